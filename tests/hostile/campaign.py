"""The campaign: every hostile case, one after the other, each in a child of a warm process.

python tests/hostile/campaign.py [--family NAME …] [--only TEXT] [--jobs N] [--write docs/reliability.md] [--keep FILE]

With ``--keep`` it may be run family by family: the file holds the counts of those that were run, and what is written
is of all of them.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from pathlib import Path

import click

HERE = Path(__file__).resolve().parent
for place in (HERE.parent, HERE):
    if str(place) not in sys.path:
        sys.path.insert(0, str(place))

import changes  # noqa: E402
import families  # noqa: E402
import hostile_models  # noqa: E402
import hostile_scans  # noqa: E402
import templates  # noqa: E402
from forked import Told, run_forked  # noqa: E402
from verdicts import CLASSES, GOOD, Case, Verdict, judge, numbers_of, snapshot  # noqa: E402

from prldh.plugins import Registry  # noqa: E402
from prldh.results import read_results  # noqa: E402

#: Families whose odd texts a page would show in the quick suite, too.
ON_PAGES = {"cells"}


class Campaign:
    """The templates, made once by real runs, and what a case does to a copy of one. ``has_pages``: whether the page of
    what goes through is rendered, a third of such a case's time; else for cases of the quick suite's own alone, and
    where odd cells come to stand on it."""

    def __init__(self, folder: Path, has_pages: bool = True) -> None:
        self.folder, self.has_pages = folder, has_pages
        study = folder / "study"
        study.mkdir()
        templates.write_study(study)
        Registry(load_built_ins=False).add_commands(click.Group())  # the first time takes longest
        _warmed(study, *changes.ANALYZE)
        self.numbers = numbers_of(json.loads((study / "out" / "results.json").read_text()))
        forest = folder / "forest"  # whose kernels take longer to compile than a case may
        shutil.copytree(study, forest, ignore=shutil.ignore_patterns("out"))
        changes.dump_yaml(forest / "study.yaml", templates.merged(templates.STUDY, templates.SECTIONS["mrmr"]))
        _warmed(forest, *changes.ANALYZE)
        runs = folder / "runs"
        shutil.copytree(study, runs, ignore=shutil.ignore_patterns("out"))
        shutil.rmtree(study / "out")
        changes.dump_yaml(runs / "study.yaml", templates.merged(templates.STUDY, templates.SECTIONS["adjusted"]))
        _warmed(runs, *changes.ANALYZE)
        (runs / "out").rename(runs / "run")
        read_results(runs / "run")  # their schema is made once
        shutil.copytree(runs, folder / "run")
        shutil.copytree(runs / "run", runs / "other")
        models = folder / "models"  # whose chain has many states
        shutil.copytree(runs, models, ignore=shutil.ignore_patterns("run", "other"))
        changes.dump_yaml(models / "study.yaml", templates.merged(templates.STUDY, hostile_models.MODELS))
        _warmed(models, *changes.ANALYZE)
        (models / "out").rename(models / "run")
        planned = folder / "planned"
        shutil.copytree(study, planned)
        _warmed(planned, "plan", "study.yaml", "--out", "plan.json")
        scans = folder / "scans"
        scans.mkdir()
        hostile_scans.write_scans(scans)
        _warmed(scans, *changes.CHECK_IMAGES)
        shutil.rmtree(scans / "out")
        images = folder / "images"
        images.mkdir()
        templates.write_images(images)
        _warmed(images, *changes.CHECK_IMAGES)
        shutil.rmtree(images / "out")

    def _command(self, folder: Path, case: Case) -> Told:
        scratch = Path(tempfile.mkdtemp(dir=self.folder))
        try:
            has_page = self.has_pages or case.is_quick or case.family in ON_PAGES
            blank = _write_blank_figures if has_page else _write_blank_pages

            def before() -> None:
                _repeat_nothing()
                if not case.is_drawn:
                    blank()

            return run_forked(case.arguments, scratch, before, folder)
        finally:
            shutil.rmtree(scratch)

    def judge(self, case: Case) -> Verdict:
        place = Path(tempfile.mkdtemp(dir=self.folder))
        folder = place / "case"
        try:
            shutil.copytree(self.folder / case.template, folder, symlinks=True)
            case.change(folder)
            before = snapshot(folder)
            return judge(case, self._command(folder, case), before, folder, self.numbers)
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def run(self, cases: Sequence[Case], jobs: int = 1) -> Iterator[Verdict]:
        """The verdicts in the order of the cases, tried by so many processes side by side."""
        if jobs == 1:
            yield from map(self.judge, cases)
            return
        with multiprocessing.get_context("fork").Pool(jobs, _work_on, (self, cases)) as pool:
            for i, (kind, why, told) in enumerate(pool.imap(_try, range(len(cases)))):
                yield Verdict(cases[i], kind, why, told)


_CAMPAIGN: Campaign
_CASES: Sequence[Case]


def _work_on(campaign: Campaign, cases: Sequence[Case]) -> None:
    """In a process of a pool: cases hold functions, which are not sent but inherited."""
    global _CAMPAIGN, _CASES
    _CAMPAIGN, _CASES = campaign, cases


def _try(i: int) -> tuple[str, str, Told]:
    verdict = _CAMPAIGN.judge(_CASES[i])
    return verdict.kind, verdict.why, verdict.told


def _repeat_nothing() -> None:
    """No refit of a plugin's step in another process, whose start takes longer than all else of a case."""
    import prldh.pipeline as pipeline

    pipeline.repeat_elsewhere = lambda plan: ()


def _write_blank_figures() -> None:
    """For cases whose figures nobody looks at: to draw them takes most of the time of a small study."""
    import prldh.apply.figures as external
    import prldh.report.figures as figures

    def blank(drawing, settings, folder) -> None:
        write_blank([drawing], None, None, settings, folder)

    def write_blank(drawings, drawn, words, settings, folder, *_) -> None:
        for drawing in drawings:
            for name, *_ in figures.files_of(drawing, settings):
                (folder / name).write_text('<svg width="100pt" height="50pt" viewBox="0 0 100 50"></svg>')

    figures._write_all, external.write_drawing = write_blank, blank


def _write_blank_pages() -> None:
    import prldh.run.outputs as outputs

    _write_blank_figures()
    outputs.write_figures, outputs.render_report = lambda *a, **k: {}, lambda *a, **k: "<!doctype html>"


def _warmed(folder: Path, *arguments: str) -> None:
    """A command in this process, in whose children everything is imported and compiled from then on."""
    from click.testing import CliRunner

    from prldh.cli import cli

    here = os.getcwd()
    os.chdir(folder)
    try:
        done = CliRunner().invoke(cli, list(arguments))
    finally:
        os.chdir(here)
    assert done.exit_code == 0, (done.output, done.exception)


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--family", action="append")
    asked.add_argument("--only", default="", metavar="TEXT", help="cases whose names hold this")
    asked.add_argument("--quick", action="store_true", help="those of the quick suite alone")
    asked.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    asked.add_argument("--write", type=Path)
    asked.add_argument("--keep", type=Path, metavar="FILE")
    given = asked.parse_args()
    cases = [c for c in families.every_case() if given.only in c.id and c.family in (given.family or [c.family])]
    cases = quick(cases) if given.quick else cases
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign(Path(folder), has_pages=not given.quick)
        counted = _counts_of_others(given.keep, {c.family for c in cases})
        for verdict in campaign.run(cases, given.jobs):
            counted[verdict.case.family, verdict.kind] += 1
            if verdict.kind not in GOOD:
                print(verdict, flush=True)
    print(table(counted))
    if given.keep:
        given.keep.write_text(json.dumps([[*key, n] for key, n in sorted(counted.items())]), encoding="utf-8")
    if given.write:
        which = f"Tried: {counted.total()} of {len(families.every_case())} cases."
        text = page(given.write.read_text(encoding="utf-8"), f"{which}\n\n{table(counted)}")
        given.write.write_text(text, encoding="utf-8")
    return 0


def _counts_of_others(kept: Path | None, now: Set[str]) -> Counter[tuple[str, str]]:
    """By family and kind of verdict, of the families of ``kept`` that are not tried ``now``."""
    lines = json.loads(kept.read_text(encoding="utf-8")) if kept and kept.exists() else []
    return Counter({(family, kind): n for family, kind, n in lines if family not in now})


MARKS = ("<!-- counts of tests/hostile/campaign.py -->", "<!-- end of counts -->")


def page(text: str, counts: str) -> str:
    """The page with the counts between its marks."""
    before, rest = text.split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    kinds = "\n".join(f"- **{name}**: {what}" for name, what in FAMILIES.items())
    return f"{before}{MARKS[0]}\n{counts}\n\n{kinds}\n{MARKS[1]}{after}"


def quick(cases: Sequence[Case]) -> list[Case]:
    """Every tenth case, and those that the quick suite always tries."""
    return [case for i, case in enumerate(cases) if i % 10 == 3 or case.is_quick]


#: What kinds of input there are, and what stands for them on the page.
FAMILIES = {
    "settings": "a study file's or cohort file's value replaced by one of another kind",
    "texts": "texts that are no YAML or JSON, or too much of it: bombs, tags, depth, odd characters",
    "paths": "devices, pipes, links in circles, folders, names of 300 characters, wherever a path may stand",
    "cells": "one cell of a table: odd numbers, texts, escape sequences, 1 MB",
    "tables": "whole tables: bombs, other encodings, other formats, degenerate columns",
    "same": "the same tables written differently: the same numbers are asked for",
    "folders": "a finished run's files edited, cut, damaged, removed",
    "outputs": "outputs that would replace what is there",
    "images": "headers and voxels of images and masks",
    "parameters": "a PyRadiomics parameter file's values",
    "arguments": "options and names on the command line",
    "writing": "study files, names, ids, numbers, tables, cohorts and answers as other people and programs write them",
    "scans": "NRRD, DICOM series, SEG and RTSTRUCT with damaged headers and voxels, measured and looked at",
    "resealed": "frozen models edited and sealed again: shapes, NaN, missing keys, huge values in states of steps",
    "plans": "a plan written before, with one place of it changed",
    "notation": "YAML of every notation at every place where people write it; sections of another shape",
    "formats": "Parquet's types, parts of workbooks, text of other systems, files of other programs",
    "libraries": "feature libraries, the settings that name them, and what stands beside them",
    "options": "every option of every command with values that it should not be given",
}


def table(counted: Counter[tuple[str, str]]) -> str:
    """The counts, as a table in Markdown."""
    rows = [["family", *CLASSES, "cases"]]
    for family in (name for name in FAMILIES if any(counted[name, kind] for kind in CLASSES)):
        counts = [counted[family, kind] for kind in CLASSES]
        rows.append([family, *map(str, counts), str(sum(counts))])
    total = [sum(counted[family, kind] for family, _ in {(f, 0) for f, _ in counted}) for kind in CLASSES]
    rows.append(["**all**", *map(str, total), str(sum(total))])
    rows.insert(1, ["---", *["---:"] * (len(CLASSES) + 1)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
