"""Asking the objects behind a run for their words: once, in one place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

from prldh.core import PluginError, PrldhError, Purpose, Remark, SchemeRun, SourceRun, StepFigure, StepRun, Warn, warn
from prldh.plugins import (
    Cited,
    Designed,
    Drawn,
    Explained,
    ImageStepMethods,
    Labelled,
    LearnerMethods,
    NotesAlternatives,
    Purposeful,
    Registry,
    Remarked,
    SelectorMethods,
    ShortlyLabelled,
    SourceMethods,
    ValidatorMethods,
    check_texts,
    guarded,
    lent,
    lent_all,
)
from prldh.results.leakage import whole_words
from prldh.results.variables import variables_of
from prldh.results.words import FIELD, TOKEN, Place, SchemeWords, Sentence, StepWords, Words, cited_keys, steps_of

T = TypeVar("T")


def words_of(data: Mapping[str, Any], registry: Registry) -> Words:
    """Ask the objects of the registry for their words on a run.

    Parameters
    ----------
    data
        The content of ``results.json``.
    registry
        Where the objects are found. One that is not there any more has general words; one of a plugin that fails has
        them too, and a warning.
    """
    return _Asking(data, registry).words()


def make_sentence(
    item: Any, run: Any, data: Mapping[str, Any], below: Place, places: Mapping[str, Place] | None = None
) -> Sentence:
    """What an object says of itself in the Methods, with fields and citations that are known.

    Parameters
    ----------
    item
        An object with ``methods(run)``.
    run
        How it was run.
    below
        The place in the results beneath which its fields stand: ``packages.torch`` two keys below.
    places
        Of fields that stand elsewhere.

    Raises
    ------
    PluginError
        If it gives no text, a field is no number or text of the results, or a reference is not among the object's.
    """
    text = lent(item, "methods", run)
    if not isinstance(text, str):
        raise PluginError(f"methods of '{item.name}' gives {type(text).__name__} in place of text.")
    references = {r.key: r for r in (item.references if isinstance(item, Cited) else ())}
    place_of: dict[str, Place] = {}
    for name, citation in TOKEN.findall(text):
        if name:
            place_of[name] = (places or {}).get(name) or (*below, *name.split(".", 1))
            if not isinstance(_at(data, place_of[name]), (int, float, str)):
                raise PluginError(
                    f"methods of '{item.name}' asks for {{{name}}}, which is no number or text of these results."
                )
        unknown = [key for key in cited_keys(citation) if key not in references] if citation else []
        if unknown:
            raise PluginError(f"methods of '{item.name}' cites {unknown[0]}, which is none of its references.")
    return Sentence(text, place_of, references)


def _at(data: Any, place: Place) -> Any:
    """What stands there, or None."""
    for key in place:
        try:
            data = data[key]
        except (KeyError, IndexError, TypeError):
            return None
    return data


class _Asking:
    """Asks what is registered, once a run."""

    def __init__(self, data: Mapping[str, Any], registry: Registry) -> None:
        self.data = data
        self.settings = data["study"]["settings"]
        self.selectors, transforms, self.learners, self.validators, self.feature_sources, self.image_steps = (
            {name: entry.item for name, entry in registry.registered(hook).items()}
            for hook in (
                "register_selectors",
                "register_transforms",
                "register_learners",
                "register_validators",
                "register_feature_sources",
                "register_image_steps",
            )
        )
        self.selectors |= transforms
        self.warnings: list[Warn] = []

    def words(self) -> Words:
        chosen = steps_of(self.settings)
        fitted = {step["name"] for _, _, step in self._fitted()}
        schemes = self.data["study"].get("schemes") or {}
        return Words(
            steps={
                name: self._step(self.selectors[name])
                for name in dict.fromkeys([*(name for _, name, _ in chosen), *sorted(fitted | self._in_ways())])
                if name in self.selectors
            },
            schemes={name: self._scheme(name) for name in schemes if name in self.validators},
            sources=self._sources(),
            image_steps=self._image_steps(),
            sentences=tuple(
                self._step_sentence(place, name, settings) if name in fitted else None
                for place, name, settings in chosen
            ),
            learners={
                name: self._text("learner", item, Labelled, "label", name.replace("_", " "))
                for name, item in self.learners.items()
            },
            learner=self._learner_sentence(),
            figures=self._figures(),
            remarks=self._remarks(),
            variables=variables_of(self.data),
            whole=whole_words(self.data, self.data.get("models") or ()),
            warnings=tuple(self.warnings),
        )

    def _ask(self, noun: str, item: Any, question: Callable[[], T], otherwise: T) -> T:
        """An answer; what a stranger's object raises in its place becomes a warning."""
        try:
            with guarded(noun, item):
                answer = question()
                check_texts(answer)
                return answer
        except PrldhError as error:
            self.warnings.append(warn.NO_WORDS(error=error))
            return otherwise

    def _text(self, noun: str, item: Any, kind: type, name: str, otherwise: str) -> str:
        def question() -> str:
            text = getattr(item, name)
            if not isinstance(text, str) or not text.strip():
                raise TypeError(f"{name} is {text!r} in place of text")
            return text

        return self._ask(noun, item, question, otherwise) if isinstance(item, kind) else otherwise

    # ---------------------------------------------------------------- selection steps

    def _fitted(self) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
        """Every step that was fitted on everyone: its tissue, its number there, and its entry."""
        for tissue, entry in self.data["tissues"].items():
            for number, step in enumerate((entry["selection"] or {}).get("steps", ())):
                yield tissue, number, step

    def _in_ways(self) -> set[str]:
        """The steps of ways that were compared, whichever the run takes."""
        tissues = [t for way in (self.data.get("protocols") or {}).values() for t in way.get("tissues", {}).values()]
        return {text.partition(": ")[0] for t in tissues for text in (*t["transforms"], *t["selection"])}

    def _step(self, item: Any) -> StepWords:
        label = self._text("selector", item, Labelled, "label", item.name)
        return StepWords(
            label,
            self._text("selector", item, ShortlyLabelled, "short_label", label),
            self._text("selector", item, Explained, "explanation", ""),
            self._text("selector", item, NotesAlternatives, "note_on_alternatives", ""),
            self._ask("selector", item, lambda: _purposes(item), {}) if isinstance(item, Purposeful) else {},
        )

    def _step_sentence(self, place: Place, name: str, settings: Mapping[str, Any]) -> Sentence | None:
        item = self.selectors.get(name)
        if not isinstance(item, SelectorMethods):
            return None
        selected = {tissue: t["selection"] for tissue, t in self.data["tissues"].items() if t["selection"]}
        images = self.data.get("images") or {}
        perturbed = [
            ("images", tissue, "perturbation", "n")
            for tissue, selection in selected.items()
            if selection["readers"] == 1 and (images.get(tissue) or {}).get("perturbation")
        ]
        run = StepRun(
            settings,
            max((selection["readers"] for selection in selected.values()), default=1),
            _at(self.data, perturbed[0]) if perturbed else None,
        )
        places = {"n_perturbed": perturbed[0]} if perturbed else {}
        return self._sentence("selector", item, run, ("study", "settings", *place), places)

    def _learner_sentence(self) -> Sentence | None:
        """How the score is made, where the results say by which learner."""
        is_made = any(tissue["selection"] for tissue in self.data["tissues"].values())
        for name, settings in (self.settings.get("learner") or {}).items() if is_made else ():
            item = self.learners.get(name)
            if isinstance(item, LearnerMethods):
                return self._sentence("learner", item, StepRun(settings), ("study", "settings", "learner", name))
        return None

    def _sentence(
        self, noun: str, item: Any, run: Any, below: Place, places: Mapping[str, Place] | None = None
    ) -> Sentence | None:
        return self._ask(noun, item, lambda: make_sentence(item, run, self.data, below, places), None)

    def _figures(self) -> dict[tuple[str, int], tuple[StepFigure, ...]]:
        by_step: dict[tuple[str, int], tuple[StepFigure, ...]] = {}
        for tissue, number, step in self._fitted():
            item = self.selectors.get(step["name"])
            if isinstance(item, Drawn):
                by_step[tissue, number] = self._ask("selector", item, partial(_figures, item, step["details"]), ())
        return {place: figures for place, figures in by_step.items() if figures}

    def _remarks(self) -> dict[str, tuple[tuple[Remark, ...], ...]]:
        runs: dict[tuple[str, str], list[tuple[str, Mapping[str, Any]]]] = {}
        for tissue, _, step in self._fitted():
            runs.setdefault((tissue, step["name"]), []).append((step["source"], step["details"]))
        by_tissue: dict[str, tuple[tuple[Remark, ...], ...]] = {}
        for (tissue, name), fits in runs.items():
            item = self.selectors.get(name)
            remarks: tuple[Remark, ...] = ()
            if isinstance(item, Remarked):
                remarks = self._ask("selector", item, partial(_remarks, item, fits), remarks)
            if remarks:
                by_tissue[tissue] = (*by_tissue.get(tissue, ()), remarks)
        return by_tissue

    # ---------------------------------------------------------------- schemes and sources

    def _scheme(self, name: str) -> SchemeWords:
        item = self.validators[name]
        run = SchemeRun(self.data["study"]["schemes"][name]["n_resamples"], self.settings.get("validation") or {})
        places: dict[str, Place] = {"n_resamples": ("study", "schemes", name, "n_resamples")}
        return SchemeWords(
            self._text("validator", item, Labelled, "label", name.replace("_", "-")),
            (
                self._sentence("validator", item, run, ("study", "settings"), places)
                if isinstance(item, ValidatorMethods)
                else None
            ),
            self._ask("validator", item, lambda: str(lent(item, "design", run)), "")
            if isinstance(item, Designed)
            else "",
        )

    def _sources(self) -> dict[str, Sentence]:
        """Of each source the sentence on how it was run first."""
        runs: dict[str, tuple[Place, Mapping[str, Any]]] = {}
        for tissue, images in (self.data.get("images") or {}).items():
            for name, about in (images.get("sources") or {}).items():
                runs.setdefault(name, (("images", tissue, "sources", name), about))
        sentences = {name: self._source_sentence(name, *run) for name, run in runs.items()}
        return {name: sentence for name, sentence in sentences.items() if sentence}

    def _image_steps(self) -> dict[tuple[str, int], Sentence]:
        """Of each tissue and image step the sentence."""
        sentences: dict[tuple[str, int], Sentence | None] = {}
        for tissue, images in (self.data.get("images") or {}).items():
            for k, about in enumerate(images.get("image_steps") or ()):
                item = self.image_steps.get(about["name"])
                if isinstance(item, ImageStepMethods):
                    place: Place = ("images", tissue, "image_steps", k, "settings")
                    sentences[tissue, k] = self._sentence("image step", item, StepRun(about["settings"]), place)
        return {key: sentence for key, sentence in sentences.items() if sentence}

    def _source_sentence(self, name: str, place: Place, about: Mapping[str, Any]) -> Sentence | None:
        item = self.feature_sources.get(name)
        if not isinstance(item, SourceMethods):
            return None
        run = SourceRun(
            str(about.get("version", "")), *(about.get(key) or {} for key in ("settings", "packages", "computed"))
        )
        return self._sentence("feature source", item, run, place)


def _purposes(item: Any) -> dict[Purpose, str]:
    purposes = {Purpose(purpose): text for purpose, text in item.purposes.items()}
    for text in purposes.values():
        unknown = [name for name in FIELD.findall(text) if name not in item.Settings.model_fields]
        if unknown:
            raise ValueError(f"purposes asks for {{{unknown[0]}}}, which is none of its settings")
    return purposes


def _figures(item: Drawn, details: Mapping[str, Any]) -> tuple[StepFigure, ...]:
    return _all_of(StepFigure, "figures", lent_all(item, "figures", details))


def _remarks(item: Remarked, fits: list[tuple[str, Mapping[str, Any]]]) -> tuple[Remark, ...]:
    return _all_of(Remark, "remarks", lent_all(item, "remarks", fits))


def _all_of(kind: type[T], member: str, given: Any) -> tuple[T, ...]:
    items = tuple(given)
    strange = next((each for each in items if not isinstance(each, kind)), None)
    if strange is not None:
        raise TypeError(f"{member} gives {type(strange).__name__} in place of {kind.__name__}")
    return items
