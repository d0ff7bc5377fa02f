"""The checks of :mod:`prldh.testing.kit`, by kind of object: promise → function of the object and what the study file
would say of it.

What is held to are the docstrings of :mod:`prldh.plugins.interfaces`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from prldh.checklists import FORMATS, STATUSES, Dossier, dossier_of, fill, has_docx, write_checklist
from prldh.core import Case, DataError, Volume
from prldh.engines import StatisticsEngine
from prldh.plugins import KINDS_OF_SCHEMES, DescribesFeatures, ExtractsMany, ExtractsStream, Registry, takes_columns
from prldh.results import measured, words_of
from prldh.testing.cases import make_case
from prldh.testing.fresh import CARRIES, carries_nothing
from prldh.testing.image_step_checks import IMAGE_STEP_CHECKS
from prldh.testing.learner_checks import LEARNER_CHECKS
from prldh.testing.parts import (
    NAMED,
    TRAVELS,
    UNKNOWN,
    WORDS,
    as_json,
    example_run,
    has_name_and_version,
    in_other_weather,
    read_settings,
    refuses_unknown_keys,
    require,
    travels,
    unchangeable,
)
from prldh.testing.selector_checks import SELECTOR_CHECKS, make_rows
from prldh.testing.transform_checks import TRANSFORM_CHECKS
from prldh.testing.words import results_of_scheme, results_of_source, say_what_the_report_can_use

# ---------------------------------------------------------------- validators


def _resamples(validator: Any, raw: Any, seed: int = 0) -> tuple[np.ndarray, list[Any]]:
    outcome = make_rows(seed=seed).outcome
    columns = ({"centre": np.resize(np.array(["A", "B", "C"], dtype=object), outcome.size)},)
    given = columns if takes_columns(validator) else ()
    settings = read_settings(validator, raw) if hasattr(validator, "Settings") else raw
    resamples = validator.resamples(outcome, settings, np.random.SeedSequence(7), *given)
    require(
        isinstance(resamples, list) and bool(resamples),
        f"resamples must return a list that is not empty, found {resamples!r:.80}; does it need example_settings?",
    )
    return outcome, resamples


def _rows_in_range(validator: Any, raw: Any) -> None:
    outcome, resamples = _resamples(validator, raw)
    for r in resamples:
        for part, rows in (("train", np.asarray(r.train)), ("test", np.asarray(r.test))):
            require(
                rows.ndim == 1 and rows.dtype.kind in "iu",
                f"{part} must be row numbers, found {rows.dtype} {rows.shape}",
            )
            require(
                bool(((rows >= 0) & (rows < outcome.size)).all()),
                f"{part} of repeat {r.repeat}, fold {r.fold} has rows out of 0 … {outcome.size - 1}",
            )
        require(np.asarray(r.train).size > 0, f"repeat {r.repeat}, fold {r.fold} has no training rows")
    places = [(r.repeat, r.fold) for r in resamples]
    require(len(set(places)) == len(places), "two resamples have the same repeat and fold")


def _holds_out(validator: Any, raw: Any) -> None:
    """A test row that trained is a leak, in a bootstrap too, where only training rows repeat."""
    require(
        validator.kind in KINDS_OF_SCHEMES,
        f"kind must be one of {', '.join(KINDS_OF_SCHEMES)}, found {validator.kind!r}",
    )
    tested: dict[tuple[int, int], int] = {}
    for r in _resamples(validator, raw)[1]:
        both = np.intersect1d(r.train, r.test)
        require(not both.size, f"repeat {r.repeat}, fold {r.fold}: rows {both[:3].tolist()} train and are held out")
        if validator.kind == "bootstrap":
            continue
        require(np.asarray(r.test).size > 0, f"repeat {r.repeat}, fold {r.fold} holds nobody out")
        require(
            np.unique(r.train).size == np.asarray(r.train).size,
            f"repeat {r.repeat}, fold {r.fold}: a training row comes twice; only in a bootstrap it may",
        )
        for row in np.asarray(r.test).tolist():
            require(
                (r.repeat, row) not in tested,
                f"row {row} is held out twice in repeat {r.repeat}; give the second another repeat",
            )
            tested[r.repeat, row] = r.fold
    if validator.kind != "held_out":
        return
    n = make_rows().outcome.size
    for repeat in sorted({repeat for repeat, _ in tested}):
        n_tested = sum(of == repeat for of, _ in tested)
        require(
            n_tested == n, f"repeat {repeat} holds out {n_tested} of {n} patients; each must be held out once a repeat"
        )


def _draws_from_the_seed(validator: Any, raw: Any) -> None:
    first, second = _resamples(validator, raw)[1], in_other_weather(lambda: _resamples(validator, raw)[1])
    is_same = len(first) == len(second) and all(
        np.array_equal(a.train, b.train) and np.array_equal(a.test, b.test) and (a.repeat, a.fold) == (b.repeat, b.fold)
        for a, b in zip(first, second, strict=True)
    )
    require(is_same, "the same outcome and seed gave other resamples; draw from the seed alone")


def _validator_carries_nothing(validator: Any, raw: Any) -> None:
    def drawing(seed: int) -> Callable[[Any], Callable[[], str]]:
        def draw(own: Any) -> Callable[[], str]:
            resamples = _resamples(own, raw, seed)[1]
            return lambda: as_json([[r.train, r.test, r.repeat, r.fold] for r in resamples], "its resamples")

        return draw

    carries_nothing(validator, drawing(1), drawing(0))


def _validator_refuses_unknown_keys(validator: Any, raw: Any) -> None:
    if hasattr(validator, "Settings"):
        refuses_unknown_keys(validator, raw)


def _scheme_says_what_the_report_can_use(validator: Any, raw: Any) -> None:
    for repeats in (1, 5):
        say_what_the_report_can_use(validator, results_of_scheme(validator, raw, repeats))


# ---------------------------------------------------------------- feature sources


def _extract(source: Any, raw: Any, case: Case) -> tuple[dict[str, float], ...]:
    return source.extract(case, read_settings(source, raw))


def _is_named_numbers(by_reader: Any, case: Case) -> None:
    require(
        isinstance(by_reader, (tuple, list)) and len(by_reader) == len(case.masks),
        f"extract must return one dictionary a reader ({len(case.masks)}), found {by_reader!r:.80}",
    )
    for values in by_reader:
        require(
            isinstance(values, Mapping) and len(values) > 0,
            f"extract must return dictionaries with values, found {values!r:.80}",
        )
        for name, value in values.items():
            require(isinstance(name, str), f"a name must be text, found {name!r}")
            is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
            require(
                is_number and bool(np.isfinite(value)),
                f"'{name}' is {value!r}, not a finite number; raise DataError where a case has no values",
            )


def _one_dictionary_a_reader(source: Any, raw: Any) -> None:
    for readers in (1, 2):
        case = make_case(readers=readers)
        _is_named_numbers(_extract(source, raw, case), case)


def _same_names_in_order(source: Any, raw: Any) -> None:
    names = [
        list(v) for case in (make_case(), make_case("P2", 1, shape=(10, 33, 31))) for v in _extract(source, raw, case)
    ]
    odd = next((n for n in names if n != names[0]), None)
    require(
        odd is None,
        f"cases or readers have other names, or another order: {sorted(set(odd or ()) ^ set(names[0]))[:3]}",
    )


def _measures_alike(source: Any, raw: Any) -> None:
    first = _extract(source, raw, make_case())
    _extract(source, raw, make_case("P2", 1))
    require(
        list(first) == list(in_other_weather(lambda: _extract(source, raw, make_case()))),
        "the same case gave other values",
    )


def _source_carries_nothing(source: Any, raw: Any) -> None:
    def measuring(case: Case) -> Callable[[Any], Callable[[], str]]:
        def measure(own: Any) -> Callable[[], str]:
            values = _extract(own, raw, case)
            return lambda: as_json([list(by_reader.items()) for by_reader in values], "its values")

        return measure

    carries_nothing(source, measuring(make_case("P2", 1)), measuring(make_case()))


def _measures_or_says_why(source: Any, raw: Any) -> None:
    """One voxel, and an image that is flat: values, or DataError."""
    whole = make_case(readers=1)
    one = np.zeros(whole.masks[0].shape, dtype=bool)
    one[4, 15, 15] = True
    flat = Volume(unchangeable(np.full(whole.image.values.shape, 5, dtype=np.int16)), whole.image.geometry, "MR")
    usual = list(_extract(source, raw, whole)[0])
    for case in (
        Case("P1", "tissue", 2, whole.image, (unchangeable(one),)),
        Case("P2", "tissue", 3, flat, whole.masks),
    ):
        try:
            by_reader = _extract(source, raw, case)
        except DataError as error:
            require(bool(str(error)), "a DataError must say why")
        else:
            _is_named_numbers(by_reader, case)
            require(list(by_reader[0]) == usual, "a region of one voxel, or a flat one, has other names")


def _describes_every_name(source: Any, raw: Any) -> None:
    require(isinstance(source, DescribesFeatures), "it has no describe")
    names = list(_extract(source, raw, make_case(readers=1))[0])
    descriptions = source.describe(names, read_settings(source, raw))
    require(set(names) <= set(descriptions), f"describe leaves out {sorted(set(names) - set(descriptions))[:3]}")
    lacking = next(
        (f"'{n}' has no {k}" for n in names for k in ("unit", "ibsi", "family") if k not in descriptions[n]), None
    )
    require(lacking is None, f"describe: {lacking}; None says that there is none")
    as_json(descriptions, "what describe returns")


def _many_are_as_one(source: Any, raw: Any) -> None:
    if not isinstance(source, ExtractsMany):
        return
    cases = [make_case(), make_case("P2", 1)]
    together = source.extract_many(cases, read_settings(source, raw))
    require(len(together) == len(cases), f"extract_many gives {len(together)} results of {len(cases)} cases")
    for case, by_reader in zip(cases, together, strict=True):
        for a, b in zip(by_reader, _extract(source, raw, case), strict=True):
            is_same = list(a) == list(b) and np.allclose(list(a.values()), list(b.values()), rtol=1e-4, atol=1e-6)
            require(is_same, f"extract_many gives patient {case.patient} other values than extract")


def _streamed_are_as_one(source: Any, raw: Any) -> None:
    if not isinstance(source, ExtractsStream):
        return
    settings, cases = read_settings(source, raw), [make_case(), make_case("P2", 1)]
    stream, answers = source.open_stream(settings), []
    for owner, case in enumerate(cases):
        for piece in source.prepare(case, settings):
            require(isinstance(getattr(piece, "nbytes", None), int), "a piece that prepare gives has no nbytes")
            answers += stream.put(owner, [piece], False)
        answers += stream.put(owner, (), True)
    found = dict([*answers, *stream.close()])
    require(sorted(found) == [0, 1], f"the stream answers of {sorted(found)}, not of each of 2 cases once")
    for owner, case in enumerate(cases):
        for a, b in zip(found[owner], _extract(source, raw, case), strict=True):
            is_same = list(a) == list(b) and np.allclose(list(a.values()), list(b.values()), rtol=1e-4, atol=1e-6)
            require(is_same, f"the stream gives patient {case.patient} other values than extract")


def _source_says_what_the_report_can_use(source: Any, raw: Any) -> None:
    say_what_the_report_can_use(source, results_of_source(source, raw))


# ---------------------------------------------------------------- statistics


def _predicted() -> tuple[np.ndarray, np.ndarray]:
    """Outcome (60,) and probability, ties among them."""
    rng = np.random.default_rng(4)
    outcome = (np.arange(60) % 3 == 0).astype(np.int8)
    log_odds = np.round(rng.normal(size=60) + 1.5 * outcome - 1, 1)
    return unchangeable(outcome), unchangeable(1 / (1 + np.exp(-log_odds)))


def _gives_an_estimate(statistic: Any, raw: Any) -> None:
    del raw
    require(isinstance(statistic.label, str) and bool(statistic.label.strip()), "label must be text")
    found = measured(statistic, "this", *_predicted())
    require(found["estimate"] is not None, "it has no estimate of ordinary predictions")
    again = measured(statistic, "this", *_predicted())
    require(found == again, f"the same predictions gave {found} and {again}")


def _asks_no_order(statistic: Any, raw: Any) -> None:
    del raw
    outcome, probability = _predicted()
    first, turned = (measured(statistic, "this", outcome[::k], probability[::k]) for k in (1, -1))
    for key, value in first.items():
        other = turned[key]
        is_same = value is other or (value is not None and other is not None and np.isclose(value, other, rtol=1e-9))
        require(bool(is_same), f"patients in another order give another {key}: {value} and {other}")


def _takes_any_predictions(statistic: Any, raw: Any) -> None:
    """One class, one probability, two patients: a number, or None where it is not defined."""
    del raw
    outcome, probability = _predicted()
    for y, p in ((outcome * 0, probability), (outcome, probability * 0 + 0.5), (outcome[:2], probability[:2])):
        measured(statistic, "this", unchangeable(y), unchangeable(p))


# ---------------------------------------------------------------- checklists, report sections, engines


def _dossiers() -> list[Any]:
    results, provenance = example_run()
    return [Dossier(), dossier_of(results, json.loads(provenance), words=words_of(results, Registry()))]


def _items_are_whole(checklist: Any, raw: Any) -> None:
    del raw

    numbers = []
    for dossier in _dossiers():
        entries = checklist.evaluate(dossier)
        require(
            isinstance(entries, list) and bool(entries),
            f"evaluate must return a list of entries, found {entries!r:.80}",
        )
        for entry in entries:
            missing = [k for k in ("number", "text", "status", "evidence") if k not in entry]
            require(not missing, f"item {entry.get('number', '?')} has no {', '.join(missing)}")
            require(
                isinstance(entry["text"], str) and bool(entry["text"].strip()), f"item {entry['number']} has no text"
            )
            require(
                entry["status"] in STATUSES,
                f"item {entry['number']}: status {entry['status']!r} is none of {', '.join(STATUSES)}",
            )
            for e in entry["evidence"]:
                require(
                    {"where", "href"} <= set(e),
                    f"item {entry['number']}: evidence has 'where' and 'href' (or None), found {e!r}",
                )
                require(
                    e["href"] is None or not str(e["href"]).startswith(("/", "file:", "javascript:")),
                    f"item {entry['number']}: a link must be relative, found {e['href']!r}",
                )
        as_json(entries, "the entries")
        numbers.append([str(e["number"]) for e in entries])
        require(len(set(numbers[-1])) == len(numbers[-1]), "two items have the same number")
    require(
        numbers[0] == numbers[1],
        "the items depend on what is known; say 'author' or 'not applicable' instead of leaving one out",
    )


def _checklist_carries_nothing(checklist: Any, raw: Any) -> None:
    del raw

    def asking(dossier: Any) -> Callable[[Any], Callable[[], str]]:
        def ask(own: Any) -> Callable[[], str]:
            entries = own.evaluate(dossier)
            return lambda: as_json(entries, "the entries")

        return ask

    carries_nothing(checklist, *(asking(dossier) for dossier in _dossiers()))


def _is_written_in_all_formats(checklist: Any, raw: Any) -> None:
    del raw

    for dossier in _dossiers():
        for form in FORMATS:
            if form != "docx" or has_docx():
                require(bool(write_checklist(fill(checklist, dossier, {}), form, None)), f"{form} is empty")


def _renders(section: Any, raw: Any) -> None:
    del raw
    import copy
    import tempfile
    from pathlib import Path

    results, _ = example_run()
    require(isinstance(section.title, str) and bool(section.title.strip()), "title must be text")
    with tempfile.TemporaryDirectory() as folder:
        given = copy.deepcopy(results)
        html = section.render(given, Path(folder))
        require(isinstance(html, str), f"render must return HTML as text, found {type(html).__name__}")
        require(given == results, "render changes the results")
        require(html == section.render(results, Path(folder)), "render gives other HTML for the same results")
        require("its <script>" not in html, "the study's title stands in it unescaped; use markupsafe.escape")


def _renders_without(section: Any, raw: Any) -> None:
    del raw
    import tempfile
    from pathlib import Path

    results, _ = example_run()
    with tempfile.TemporaryDirectory() as folder:
        bare = {
            **results,
            "tissues": {},
            "comparisons": [],
            "interaction": None,
            "models": [{**m, "validation": {}} for m in results["models"]],
        }
        require(
            isinstance(section.render(bare, Path(folder)), str),
            "render must return HTML, an empty text where it has nothing to say",
        )


def _has_every_statistic(engine: object, raw: Any) -> None:
    del raw

    wanted = [n for n, f in vars(StatisticsEngine).items() if callable(f) and not n.startswith("_")]
    missing = [n for n in wanted if not callable(getattr(engine, n, None))]
    require(not missing, f"it lacks {', '.join(missing)}; prldh/engines/protocol.py says what each returns")


#: Promise → check, by kind.
CHECKS: dict[str, dict[str, Callable[[Any, Any], None]]] = {
    "selector": SELECTOR_CHECKS,
    "transform": TRANSFORM_CHECKS,
    "learner": LEARNER_CHECKS,
    "validator": {
        NAMED: has_name_and_version,
        TRAVELS: travels,
        "gives row numbers in range": _rows_in_range,
        "holds out rows that do not train": _holds_out,
        "draws from its seed alone": _draws_from_the_seed,
        CARRIES: _validator_carries_nothing,
        UNKNOWN: _validator_refuses_unknown_keys,
        WORDS: _scheme_says_what_the_report_can_use,
    },
    "feature source": {
        NAMED: has_name_and_version,
        UNKNOWN: refuses_unknown_keys,
        TRAVELS: travels,
        "gives one dictionary of finite numbers a reader": _one_dictionary_a_reader,
        "names the same features in the same order for every case": _same_names_in_order,
        "measures a case alike every time": _measures_alike,
        CARRIES: _source_carries_nothing,
        "measures the smallest and the flattest region, or says why not": _measures_or_says_why,
        "describes every feature": _describes_every_name,
        "measures many as it measures one": _many_are_as_one,
        "measures what others have read as it measures one": _streamed_are_as_one,
        WORDS: _source_says_what_the_report_can_use,
    },
    "image step": IMAGE_STEP_CHECKS,
    "statistic": {
        NAMED: has_name_and_version,
        "gives a finite estimate within its interval, the same every time": _gives_an_estimate,
        "gives the same for patients in any order": _asks_no_order,
        "survives one class, one probability and two patients": _takes_any_predictions,
    },
    "checklist": {
        NAMED: has_name_and_version,
        "has items with number, text, status and evidence": _items_are_whole,
        CARRIES: _checklist_carries_nothing,
        "can be written in every format": _is_written_in_all_formats,
    },
    "report section": {
        NAMED: has_name_and_version,
        "renders HTML from results, escaped, and changes nothing": _renders,
        "renders without tissues, comparisons and validation": _renders_without,
    },
    "engine": {NAMED: has_name_and_version, "has every statistic": _has_every_statistic},
}
