"""The example data as files: every synthetic study with its tables or images and a study file that runs as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from prldh.core import in_lines
from prldh.demo import images, scanners
from prldh.demo.images import write_images_study
from prldh.demo.published import published_cohort, published_study
from prldh.demo.scanners import write_scanners_study
from prldh.run import check_output, place_whole

#: What a study file is called.
STUDY = "study.yaml"
#: How study files of synthetic data begin.
MARK = "# SYNTHETIC data"


@dataclass(frozen=True)
class Example:
    """A study that is written: into a folder of its ``name``, beside the study file the ``files``."""

    name: str
    what: str
    files: tuple[str, ...]
    write: Callable[[Path], Path]
    has_images: bool = False


def write_demo_data(folder: Path, features: Example, *, force: bool, say: Callable[[str], Any]) -> dict[str, Path]:
    """Write the data and study files of every synthetic study under ``folder``, each whole or not at all, and analyse
    nothing; the same bytes every time. Without SimpleITK the tables alone are written, and that is said.

    Returns
    -------
    dict
        Study → its study file.

    Raises
    ------
    OutputError
        If a study is there already and ``force`` is off, or the place cannot be written.
    """
    examples = (
        Example("published", "a table of scores, as published", ("clinical.csv",), write_published_study),
        features,
        Example("images", "images, masks of two readers", images.FILES, write_images_study, True),
        Example("scanners", "images of four scanners", scanners.FILES, write_scanners_study, True),
    )
    has_writer = find_spec("SimpleITK") is not None
    written = [each for each in examples if has_writer or not each.has_images]
    for each in written:
        check_output(folder / each.name, force, (STUDY, *each.files))
    for each in written:
        place_whole(folder / each.name, each.write, (STUDY, *each.files))
    say("SYNTHETIC studies, no patients. To analyse one: prldh analyze STUDY --out FOLDER")
    for each in written:
        say(in_lines([f"  {folder / each.name / STUDY}  {each.what}"]))
    if not has_writer:
        say("Images were not written: they need SimpleITK. Run: pip install 'prldh[images]'")
    return {each.name: folder / each.name / STUDY for each in written}


def write_published_study(folder: Path) -> Path:
    """Write the synthetic published cohort and its study file; returns the study file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    study = published_study()
    published_cohort().to_csv(folder / study["clinical"]["table"], index=False)
    path = folder / STUDY
    path.write_text(
        f"{MARK}, made from the tables that the paper printed; no patients.\n" + yaml.safe_dump(study, sort_keys=False),
        encoding="utf-8",
    )
    return path
