"""A stranger's feature source is held to its promises: one message with its name, or a case put aside; no traceback."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from pydantic import BaseModel, ConfigDict, model_validator

import prldh
from prldh.api import hookimpl
from prldh.core.errors import DataError, PluginError
from prldh.data.imaging.sources import ChosenSource

sys.path.insert(0, str(Path(__file__).parents[1]))
from hostile_plugins import Deep, Exiting, Odd


class Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    k: int = 1


class Source:
    """A source that gives what it is told to."""

    name, version, Settings = "odd", "1", Plain

    def __init__(self, values=None, **members):
        self.values = values or (lambda mean: {"a": mean})
        for name, member in members.items():
            setattr(self, name, member)

    def extract(self, case, settings):
        return [self.values(float(case.image.values[mask].mean())) for mask in case.masks]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("cases"), np.random.default_rng(0)
    cases, clinical = ["patient_id,image,mask"], ["patient_id,outcome"]
    mask = np.zeros((4, 12, 12), np.uint8)
    mask[1:3, 3:9, 3:9] = 1
    for i in range(6):
        for name, array in ((f"i{i}", rng.normal(100, 20, mask.shape).astype(np.float32)), (f"m{i}", mask)):
            sitk.WriteImage(sitk.GetImageFromArray(array), str(folder / f"{name}.nii.gz"))
        cases.append(f"p{i},i{i}.nii.gz,m{i}.nii.gz")
        clinical.append(f"p{i},{i % 2}")
    (folder / "cases.csv").write_text("\n".join(cases) + "\n")
    (folder / "clinical.csv").write_text("\n".join(clinical) + "\n")
    table = {"table": str(folder / "clinical.csv"), "id": "patient_id", "outcome": "outcome", "event": 1}
    return {"clinical": table, "tissues": {"disc": {"images": str(folder / "cases.csv"), "sources": ["odd"]}}}


def measure(study, tmp_path, source, step=None, jobs=None):
    class Plugin:
        @hookimpl
        def register_feature_sources(self):
            return [source]

        @hookimpl
        def register_image_steps(self):
            return [] if step is None else [step]

    return prldh.extract(study, tmp_path / "out", plugins=[Plugin()], jobs=jobs)


def _raised(error):
    def values(mean):
        raise error

    return values


class _Mute(Exception):
    def __str__(self):
        raise ZeroDivisionError


class _Own(BaseException):
    """Neither an Exception nor anybody's wish to end."""


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Source(version=1), "has 1 as its version, which is no text"),
        (Source(version=None), "has None as its version"),
        (Source(lambda mean: {}), "gives no feature"),
        (Source(lambda mean: {1: mean, "1": mean}), "names a feature 1, which is no text"),
        (Source(lambda mean: {"  ": mean}), "names a feature '  '"),
        (Source(lambda mean: {"a\udc80": mean}), r"names a feature 'a\\udc80'"),
        (Source(lambda mean: {"a": np.complex128(1j)}), "gives .*1j.* as 'a' in place of a number"),
        (Source(lambda mean: {"a": 10**400}), "gives 1000.* as 'a' in place of a number"),
        (Source(packages=("no-such-distribution",)), "which are not names of installed distributions"),
        (Source(packages=(1,)), "which are not names of installed distributions"),
        (Source(describe=lambda names, settings: {"a": None}), "gives None by describe in place of a dictionary"),
        (Source(describe=lambda names, settings: ["a"]), "gives list in place of details"),
        (Source(metadata=lambda settings: ["a"]), "gives list in place of details"),
        (Source(metadata=lambda settings: {"a": object()}), "gives details that cannot be written as JSON"),
        (Source(trained_on=lambda settings: 5), "gives 5 by trained_on in place of a list of hashes"),
        (Source(trained_on=lambda settings: ["p0"]), "by trained_on in place of a list of hashes"),
        (Source(trained_on=lambda settings: [["a"]]), "by trained_on in place of a list of hashes"),
    ],
)
def test_what_it_gives_is_refused_by_its_name(study, tmp_path, source, message):
    with pytest.raises(PluginError, match=f"(?s)odd.*{message}"):
        measure(study, tmp_path, source)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "error",
    [asyncio.CancelledError(), GeneratorExit(), _Own("hm"), _Mute(), SystemExit(0)],
    ids=lambda error: type(error).__name__,
)
def test_what_it_raises_puts_cases_aside(study, tmp_path, error):
    with pytest.raises(DataError, match="odd.*" + type(error).__name__):
        measure(study, tmp_path, Source(_raised(error)))


def _model(**members):
    return type("Settings", (Plain,), {"__module__": __name__, **members})


def _refuses(self):
    raise RuntimeError("boom")


def _exits(self):
    raise SystemExit(4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict, "must be a pydantic model"),
        (None, "must be a pydantic model"),
        (_model(check=model_validator(mode="after")(_refuses)), "RuntimeError: boom"),
        (_model(check=model_validator(mode="after")(_exits)), "SystemExit: 4"),
        (_model(relative_to=lambda self, folder: None), "gives None by relative_to in place of settings"),
        (_model(relative_to=lambda self, folder: 1 / 0), "ZeroDivisionError"),
    ],
)
def test_its_settings_are_held_to_theirs(study, tmp_path, settings, message):
    with pytest.raises(PluginError, match=message):
        measure(study, tmp_path, Source(Settings=settings))


def test_what_it_makes_piece_by_piece_is_made_aside(study, tmp_path, capsys):
    class Piecewise(Source):
        def extract(self, case, settings):
            for values in super().extract(case, settings):
                print("told by a stranger")
                yield values

    measure(study, tmp_path, Piecewise())
    shown = capsys.readouterr()
    assert "told by a stranger" not in shown.out
    assert (tmp_path / "out" / "features" / "disc.reader1.csv").exists()


#: What a method may give, made where it is given: pytest shows parameters, and these end whoever does.
ODD = {"odd": Odd, "exiting": Exiting, "deep": Deep, "complex": lambda: 1j, "half a character": lambda: "half \udc80"}


@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize("member", ["fingerprint", "metadata", "describe", "trained_on", "readers", "packages"])
def test_what_raises_where_it_is_looked_at_is_one_message(study, tmp_path, member, what):
    """An answer is looked at where its plugin is named."""
    odd = ODD[what]()
    given = odd if member == "packages" else lambda *_: odd
    source = Source(**{member: given, "prepare": lambda *_: [], "open_stream": lambda *_: None})
    if member != "readers":
        del source.prepare, source.open_stream
    with pytest.raises(PluginError, match="feature source 'odd'"):
        measure(study, tmp_path, source, jobs=2 if member == "readers" else 1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize("member", ["fingerprint", "relative_to", "packages", "label", "ibsi_item", "of_image_alone"])
def test_an_image_step_is_held_to_what_it_says_of_itself(study, tmp_path, member, what):
    odd = ODD[what]()

    class Step:
        name, version, Settings = "still", "1", Plain

        def apply(self, case, settings):
            return case

    step = Step()
    if member == "relative_to":
        step.Settings = _model(relative_to=lambda self, folder: odd)
    else:
        setattr(step, member, (lambda *_: odd) if member == "fingerprint" else odd)
    with pytest.raises(PluginError, match="image step 'still'"):
        measure({**study, "image_steps": ["still"]}, tmp_path, Source(), step)
    assert list(tmp_path.iterdir()) == []


def test_steps_are_told_what_json_holds(study, tmp_path):
    for make in (*ODD.values(), lambda: {"a": object()}, lambda: {1: "a"}):
        source = ChosenSource.of(Source(for_steps=lambda settings, make=make: make()), Plain(), tmp_path)
        with pytest.raises(PluginError, match="'odd'"):
            source.for_steps  # noqa: B018  # a property


@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize("method", ["model_dump", "model_dump_json", "model_validate"])
def test_settings_that_no_file_holds_are_refused_where_they_are_read(study, tmp_path, method, what):
    odd = ODD[what]()
    model = _model(**{method: (classmethod if method == "model_validate" else lambda f: f)(lambda *_, **__: odd)})
    with pytest.raises(PluginError, match="odd"):
        measure(study, tmp_path, Source(Settings=model))
