"""The worked example of the plugin's README runs to its end, as it is written there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import unmarked

ROOT = Path(__file__).parents[2]
EXAMPLE = (
    (ROOT / "plugins" / "prldh-uctransnet" / "README.md")
    .read_text()
    .split("## A worked example\n")[1]
    .split("\n## ")[0]
)


def _commands(text: str) -> list[str]:
    """The lines of indented blocks, outside fences."""
    return [line.strip() for line in re.sub(r"```.*?```", "", text, flags=re.S).splitlines() if line.startswith("    ")]


@pytest.mark.slow
def test_the_worked_example_ends_with_heat_maps_in_the_report(tmp_path):
    before, study, after = re.fullmatch(r"(.*)```yaml\n(.*?)```(.*)", EXAMPLE, re.S).groups()
    assert len(_commands(before)) == 3 and len(_commands(after)) == 6
    (tmp_path / "study.yaml").write_text(study)
    script = "\n".join(["set -e", *_commands(before), "mv ../../study.yaml .", *_commands(after)])
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "OMP_NUM_THREADS": "1", "PRLDH_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / "example" / "images"
    results = json.loads((folder / "run" / "results.json").read_text())
    assert results["cohort"]["n"] == 34 and not any("LEAK" in w["message"] for w in results["warnings"])
    unseen = json.loads((folder / "how-good" / "segmentation.json").read_text())["comparisons"][
        "network against reader 1"
    ]["unseen"]
    assert unseen["n_cases"] == 34
    assert (folder / "values" / "features" / "disc.reader1.csv").exists()
    page = unmarked((folder / "run" / "report.html").read_text())
    section = page.split('<section id="plugin-deep-features">')[1].split("</section>")[0]
    assert (
        section.count('<img src="data:image/png;base64,') == 8
        and "None of the 34 analysed patients trained it." in section
    )
