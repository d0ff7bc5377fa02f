"""The hostile cases, generated: every place of a study file × values, every slot of a path × paths, and so on.

Which values a place is tried with is drawn by its name, so that the suite is the same every time.
"""

from __future__ import annotations

from hostile_files import altered_folders, outputs, paths
from hostile_formats import formats, libraries
from hostile_images import images
from hostile_models import plans, resealed
from hostile_notation import notation
from hostile_options import options
from hostile_scans import scans
from hostile_settings import arguments, parameters, settings, texts
from hostile_tables import cells, same_tables, whole_tables
from hostile_writing import writing
from verdicts import Case

FAMILIES = (
    settings,
    texts,
    paths,
    cells,
    whole_tables,
    same_tables,
    altered_folders,
    outputs,
    images,
    parameters,
    arguments,
    writing,
    scans,
    resealed,
    plans,
    options,
    notation,
    formats,
    libraries,
)


def every_case() -> list[Case]:
    """All of them, names without doubles."""
    cases = [case for family in FAMILIES for case in family()]
    names = [case.id for case in cases]
    assert len(set(names)) == len(names), sorted(n for n in set(names) if names.count(n) > 1)
    return cases
