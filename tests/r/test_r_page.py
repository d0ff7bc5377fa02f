"""``docs/r.md``: every block runs, in the order of the page, and its pictures are its own plots."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

pytestmark = [pytest.mark.r, pytest.mark.ci]
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "r.md"


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def _pictures():
    spec = importlib.util.spec_from_file_location("r_pictures", ROOT / "tools" / "r_pictures.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


def test_the_package_is_installed_as_the_page_says(tmp_path, run_r):
    first, (shell,) = _blocks("r")[0], _blocks("sh")
    for command in (["sh", "-c", shell], ["Rscript", "-e", first]):
        library = tmp_path / command[0]
        library.mkdir()
        run_r(*command, cwd=ROOT, R_LIBS=str(library))
        assert (library / "prldh" / "DESCRIPTION").is_file()


def test_the_page_runs_and_draws_its_pictures(tmp_path, run_r, r_library):
    tool = _pictures()
    assert not re.findall(r"^```(?!r\n|sh\n|\n)\S", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (tmp_path / "page.R").write_text(tool.with_pictures(tmp_path))
    told = run_r("Rscript", "--vanilla", "page.R", cwd=tmp_path, R_LIBS=str(r_library))
    assert 'Event: recurrence = "yes"; 120 patients, 40 with the event.' in told and "Execution halted" not in told
    shown = {Path(path).name for path in re.findall(r"\]\((r/[a-z_]+\.png)\)", PAGE.read_text(encoding="utf-8"))}
    assert shown == {f"{name}.png" for name in tool.PICTURES.values()}
    for name in shown:
        assert (ROOT / "docs" / "r" / name).is_file() and (tmp_path / name).stat().st_size > 10_000


def test_the_page_and_the_vignette_repeat_the_run(tmp_path, run_r, r_library):
    """The two numbers that the page prints last are the run's; so are those of the vignette, whose code runs here."""
    (tmp_path / "page.R").write_text(_pictures().code() + "\n".join(_CHECKS))
    run_r("Rscript", "--vanilla", "page.R", cwd=tmp_path, R_LIBS=str(r_library))
    text = (ROOT / "r" / "vignettes" / "a-run-again.Rmd").read_text(encoding="utf-8")
    chunks = re.findall(r"^```\{r\}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    compared = next(chunk for chunk in chunks if "scheme = there$scheme" in chunk)
    is_same = "stopifnot(abs(there$auc - here$auc[match(called[there$scheme], here$estimate)]) < 1e-9)"
    code = "\n".join(chunks).replace(compared, f"{compared}\n{is_same}\n")
    assert is_same in code
    (tmp_path / "vignette.R").write_text(code)
    run_r("Rscript", "--vanilla", "vignette.R", cwd=tmp_path, R_LIBS=str(r_library))


_CHECKS = (
    "",
    'own <- as.data.frame(again)[as.data.frame(again)$estimate == "optimism_corrected", ]',
    'theirs <- subset(run$bootstrap, model == "Radscore")',
    'stopifnot(abs(own$auc - theirs$estimate[theirs$measure == "auc"]) < 1e-9)',
    'stopifnot(abs(own$brier - theirs$estimate[theirs$measure == "brier"]) < 1e-9)',
    'stopifnot(abs(own$slope - theirs$estimate[theirs$measure == "slope"]) < 1e-7)',
)
