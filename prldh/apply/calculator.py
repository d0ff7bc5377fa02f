"""``prldh calculator``: a frozen model as one self-contained page, values in, risk out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from prldh.apply.frozen import home_of, read_frozen
from prldh.core import FEATURES, OWNED, OutputError, check_target, given_path, in_lines, write_whole
from prldh.plugins import Registry
from prldh.report import CALCULATOR_MARK, calculator_of, calculator_page, choose_model
from prldh.results import FOLDER, files_read, finished, read_external


def write_calculator(
    run: str | os.PathLike,
    out: str | os.PathLike,
    *,
    model: str | None = None,
    accept_edited: bool = False,
    force: bool = False,
    plugins: Sequence[Any] = (),
) -> str:
    """Write a run's model as a calculator, one self-contained page, and return the lines to print.

    Parameters
    ----------
    run
        Output folder of ``prldh analyze``, or a cohort's folder in it whose models were recalibrated.
    out
        The page, ``.html``.
    model
        As the report calls it: ``NAME``, or ``NAME, adjusted``. By default the one whose held-out AUC leads.
    accept_edited
        Take a ``model.json`` that is not the one that was written; the page says so.
    force
        Replace a file that is there and no calculator.
    plugins
        What the Radscores were made by, beside what is installed.

    Raises
    ------
    PrldhError
        With one message for everything a user can mend, such as a model that cannot be a calculator.
    """
    run, out = given_path(run, "run"), given_path(out, "out")
    if out.suffix.lower() not in (".html", ".htm"):
        raise OutputError(f"--out {out}: a calculator is a page, and its name ends with .html. Give such a name.")
    home = home_of(run)
    with finished(home):
        frozen = read_frozen(run, Registry(plugins), accept_edited)
        never = [home / name for name in (*OWNED, *FEATURES, FOLDER)]
        check_target(out, "--out", marks=(CALCULATOR_MARK,), never=never, force=force, read=files_read(home))
        data = dict(frozen.results)
        chosen = choose_model(frozen.model, data, model)
        calculator = calculator_of(frozen.model, chosen, data, read_external(home))
        remarks = ["The model was changed after the run: what is said below of how well it does was not found with it."]
        page = calculator_page(calculator, data, remarks if frozen.is_edited else ())
    try:
        write_whole(out, page.encode("utf-8"), is_result=True)
    except OSError as error:
        raise OutputError(
            f"{out} cannot be written: {error.strerror or error}. Give another place with --out."
        ) from None
    others = len(frozen.model["models"]) - 1
    named = "the other one" if others == 1 else f"one of the {others} others"
    more = f" (--model names {named})" if model is None and others else ""
    return in_lines([f"calculator: {out}", f"model: {calculator.title}{more}"])
