"""What a plugin's objects look like. Structural types: nothing has to be inherited; :mod:`prldh.testing.kit` holds
objects to what is said here.

What an object may have beside has a protocol of its own, and the registry refuses a method that is nearly named like
one of these, as a misspelt one would never be called. ``example_settings``, which any object may have, are settings
that the checks use where its defaults do not do; ``expected_failed_checks`` are the promises that it does not keep,
each with the reason.

Whatever is handed to an object is read-only or a copy (:mod:`prldh.plugins.border`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
from pydantic import BaseModel

from prldh.core import Case, Columns, Fitted, FittedScore, Resample, Selection, Subjects, TrainingRows, Warn

if TYPE_CHECKING:
    from prldh.checklists import Dossier
    from prldh.engines import StatisticsEngine


#: Key of a source's metadata: the device and versions that it computed with.
COMPUTED_ON = "computed_on"

# ---------------------------------------------------------------- what an object may have beside


@runtime_checkable
class RelativeSettings(Protocol):
    """Settings with paths that are relative to the study file."""

    def relative_to(self, folder: Path) -> BaseModel:
        """The same settings with these paths resolved."""
        ...


@runtime_checkable
class ChecksSettings(Protocol):
    """A selector or feature source that refuses settings which no data could make right, before anything is read."""

    def check(self, settings: Any) -> None:
        """Raise a :class:`~prldh.core.errors.PrldhError` for settings that cannot be used."""
        ...


@runtime_checkable
class ServesCommands(Protocol):
    """A feature source with commands of its own that read its settings in a study file, where these may stand though no
    tissue is measured by it."""

    commands: Sequence[str]


@runtime_checkable
class HasFingerprint(Protocol):
    """A selector, feature source or image step that depends on more than its settings say, such as the content of a
    file."""

    def fingerprint(self, settings: Any) -> str:
        """Text that stands for it: where it is another, kept cases are measured and kept refits fitted again."""
        ...


@runtime_checkable
class DescribesFit(Protocol):
    """A selector that has more to say in the report of a fit on everyone, such as how far it depends on chance."""

    def describe(
        self, rows: TrainingRows, settings: Any, seed: np.random.SeedSequence, fit: Selection | Fitted
    ) -> dict[str, Any]:
        """Details beside those of ``fit``. Called after that fit, and never in resamples."""
        ...


@runtime_checkable
class ReadsStates(Protocol):
    """A selector that fits something of its own, more than the columns that stay."""

    def from_state(self, state: Mapping[str, Any]) -> Fitted:
        """What it fitted, again, of its ``state``: how frozen models are applied to new patients."""
        ...


@runtime_checkable
class OffersAlternatives(Protocol):
    """A selector whose other settings are compared in the report (:mod:`prldh.validation.sensitivity`)."""

    def alternatives(self, settings: Any) -> dict[str, Any]:
        """Label → settings, or None where the step is left out; the chosen ones are among them."""
        ...


@runtime_checkable
class DescribesFeatures(Protocol):
    """A source that says what its features are."""

    def describe(self, names: Sequence[str], settings: Any) -> dict[str, dict[str, Any]]:
        """What each feature is: ``unit``, ``ibsi`` (its code, or None), ``family``."""
        ...


@runtime_checkable
class ExtractsMany(Protocol):
    """A source that gains from many cases at once."""

    def extract_many(self, cases: Sequence[Case], settings: Any) -> list[Any]:
        """What ``extract`` returns for each, or the :class:`~prldh.core.errors.DataError` of a case without values in
        its place."""
        ...


class CaseStream(Protocol):
    """Where what was cut out of cases comes in and values go out, in one process."""

    def put(self, owner: int, pieces: Sequence[Any], is_last: bool) -> list[tuple[int, Any]]:
        """Take pieces of the case ``owner``, after which no more come where ``is_last``; gives what is finished by now,
        of any case: (owner, what ``extract`` returns)."""
        ...

    def drop(self, owner: int) -> None:
        """Forget what came of a case."""
        ...

    def close(self) -> list[tuple[int, Any]]:
        """What is left."""
        ...


@runtime_checkable
class ExtractsStream(Protocol):
    """A source whose device is for one process: others read the images and cut out what it needs of them, while it
    computes."""

    def readers(self, settings: Any, jobs: int) -> int:
        """How many processes read for it, of ``jobs`` asked for; 0: it is asked by ``extract`` in each of them."""
        ...

    def prepare(self, case: Case, settings: Any) -> Iterable[Any]:
        """What is needed of a case, piece by piece, each with ``nbytes``; called in another process. Raises a
        :class:`~prldh.core.errors.DataError` where the case has no values."""
        ...

    def open_stream(self, settings: Any) -> CaseStream:
        """Where the pieces go."""
        ...


@runtime_checkable
class DividesCases(Protocol):
    """A source whose measuring of one case falls into parts, which processes share where there are more of them than
    cases."""

    def parts(self, case: Case, settings: Any) -> Sequence[Any]:
        """Parts, in the order of their values; none or one where it cannot be divided."""
        ...

    def extract_part(self, case: Case, settings: Any, part: Any) -> tuple[dict[str, float], ...]:
        """The values of one part, one dictionary a reader. All parts' one after the other are what ``extract``
        gives."""
        ...


@runtime_checkable
class VerifiesValues(Protocol):
    """A source that has a reference implementation."""

    def verify(self, case: Case, settings: Any) -> dict[str, float]:
        """Feature → largest relative difference of its values from the reference's."""
        ...


@runtime_checkable
class HasMetadata(Protocol):
    """A source that says in the terms of its software what its values depend on."""

    def metadata(self, settings: Any) -> dict[str, Any]:
        """What the checklists read; paths may be repeated from the settings. What is said of the machine stands under
        :data:`COMPUTED_ON`: elsewhere values differ by rounding alone, and nobody is told."""
        ...


@runtime_checkable
class InformsSteps(Protocol):
    """A source of which the steps that take its features may know more than their values
    (``TrainingRows.made_by``)."""

    def for_steps(self, settings: Any) -> dict[str, Any]:
        """Text, numbers, and lists and dicts of them; where they are others, refits are fitted again."""
        ...


@runtime_checkable
class TrainedOnPatients(Protocol):
    """A source that was trained on patients, who are then known to it (:mod:`prldh.data.imaging.seen`)."""

    def trained_on(self, settings: Any) -> Collection[str]:
        """SHA-256 of the ids of these patients; empty where it does not know them."""
        ...


@runtime_checkable
class NamesPackages(Protocol):
    """A source that names the distributions that it computes with; their versions are written down."""

    packages: Sequence[str]


@runtime_checkable
class UsesColumns(Protocol):
    """A transform or selector whose settings name clinical columns, and what is fitted by it a
    :class:`~prldh.core.fitted.ReadsColumns`."""

    def check_columns(self, settings: Any, subjects: Subjects, where: str) -> Sequence[Warn]:
        """Raise a :class:`~prldh.core.errors.PrldhError`, beginning with ``where``, for columns that are not as it
        needs them; what it warns of else. Called with everyone, before anything is computed: what it sees of outcomes
        may enter the warning alone."""
        ...

    def reached_from(self, settings: Any, columns: Columns, train: np.ndarray) -> np.ndarray:
        """Which of all rows (n,) bool what is fitted on the rows ``train`` could be applied to."""
        ...

    def remedy(self, settings: Any) -> str:
        """Why rows that are held out may not be reached, and what to do: two sentences without the last full stop."""
        ...


@runtime_checkable
class ScoresAnswers(Protocol):
    """A checklist whose answered items come to a score."""

    def score(self, entries: list[dict[str, Any]]) -> dict[str, Any]:
        """The score of these entries."""
        ...


@runtime_checkable
class ComposesLearners(Protocol):
    """A learner that is made of others, which its settings name."""

    def parts(self, settings: Any) -> Sequence[Any]:
        """What the study file says of each: a name, or a name with settings, as under ``learner``."""
        ...

    def compose(self, learners: Sequence[tuple[Learner, BaseModel]]) -> Learner:
        """The learner made of these, each with its settings."""
        ...

    def from_parts(self, state: Mapping[str, Any], read: Callable[[Mapping[str, Any]], FittedScore]) -> FittedScore:
        """What it fitted, again; ``read`` makes a score of an entry with ``step``, ``version`` and ``state``."""
        ...


#: By kind, what an object may be beside what its kind has to be.
OPTIONAL_OF_SELECTORS = (ChecksSettings, HasFingerprint, DescribesFit, ReadsStates, OffersAlternatives, UsesColumns)
OPTIONAL_OF_SOURCES = (
    ChecksSettings,
    HasFingerprint,
    ServesCommands,
    ExtractsMany,
    ExtractsStream,
    DividesCases,
    VerifiesValues,
    HasMetadata,
    InformsSteps,
    TrainedOnPatients,
    NamesPackages,
)
OPTIONAL_OF_IMAGE_STEPS = (ChecksSettings, HasFingerprint, NamesPackages)
OPTIONAL_OF_TRANSFORMS = (ChecksSettings, HasFingerprint, DescribesFit, UsesColumns)
OPTIONAL_OF_LEARNERS = (ChecksSettings, HasFingerprint, ComposesLearners)
OPTIONAL_OF_CHECKLISTS = (ScoresAnswers,)


# ---------------------------------------------------------------- what an object has to be


@runtime_checkable
class Selector(Protocol):
    """A step of the selection. ``Settings`` is a pydantic model that refuses unknown keys.

    What it fits is a :class:`~prldh.core.fitted.Fitted`, which chooses columns or single images, or transforms values;
    where it is more than the columns that stay, ``from_state(state) -> Fitted`` makes it again of its state (JSON), so
    that frozen models are applied to new patients. A :class:`~prldh.core.records.Selection` is a choice of columns by
    their positions.

    It may also be any of :data:`OPTIONAL_OF_SELECTORS`, and its settings :class:`RelativeSettings`.
    """

    name: str
    version: str
    Settings: type[BaseModel]

    def fit(
        self, rows: TrainingRows, settings: BaseModel, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> Selection | Fitted:
        """Learn from training rows. May use nothing else, and draws random numbers from ``seed`` alone."""
        ...


@runtime_checkable
class Transform(Protocol):
    """A step before the selection that changes values: fills blanks, scales, joins columns.

    ``gives`` says what it is. What it fits is of kind ``transforms values``, or ``chooses columns``; every reader's
    values get the same parameters. Blanks are NaN; a transform that fills them has ``fills_blanks = True``, and one
    that can stand before it, as it takes blanks, ``takes_blanks = True``. What it fits may be a
    :class:`~prldh.core.fitted.GivesFewer`. It may also be any of :data:`OPTIONAL_OF_TRANSFORMS`, and its settings
    :class:`RelativeSettings`.
    """

    name: str
    version: str
    gives: Literal["transforms values"]
    Settings: type[BaseModel]

    def fit(
        self, rows: TrainingRows, settings: BaseModel, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> Fitted:
        """Learn from training rows. May use nothing else, and draws random numbers from ``seed`` alone."""
        ...

    def from_state(self, state: Mapping[str, Any]) -> Fitted:
        """What it fitted, again, of its ``state``."""
        ...


@runtime_checkable
class Learner(Protocol):
    """What is fitted on the features that are left, and gives the score: log odds of the event.

    ``gives`` says what it is. Settings are tuned within ``rows`` alone, in inner folds that never part the copies of a
    patient. Its state is JSON. It may also be any of :data:`OPTIONAL_OF_LEARNERS`, and its settings
    :class:`RelativeSettings`. ``second_stage`` is what a study that names none takes: ``cross_fitted`` unless it says
    otherwise. ``memorises = True``: its scores of its own training rows say nothing (a forest's), so that no model is
    made of them.
    """

    name: str
    version: str
    gives: Literal["scores"]
    Settings: type[BaseModel]

    def fit(
        self, rows: TrainingRows, settings: BaseModel, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> FittedScore:
        """Learn from training rows of both outcomes. May use nothing else, and draws random numbers from ``seed``
        alone."""
        ...

    def from_state(self, state: Mapping[str, Any]) -> FittedScore:
        """What it fitted, again, of its ``state``: how frozen models are applied to new patients."""
        ...


@runtime_checkable
class Validator(Protocol):
    """A scheme of resamples.

    ``kind`` is ``"held_out"`` (predictions of the test rows are pooled: in each repeat every patient is held out once),
    ``"holdout"`` (one part of the patients is held out), ``"repeated_holdout"`` (a part in each repeat; means over
    repeats) or ``"bootstrap"`` (optimism and out-of-bag; training rows may repeat). A test row never trains, and no two
    resamples share repeat and fold.

    It may have ``Settings``, a pydantic model by which the settings are checked, and ``resamples`` a fourth argument,
    ``columns``: by name (n,) what the study declares under ``clinical.columns`` (text, "" where blank) and the
    covariates (float64 where continuous). Where several rows are one patient's, it is asked for resamples of patients.
    """

    name: str
    version: str
    kind: str

    def resamples(self, outcome: np.ndarray, settings: Any, seed: np.random.SeedSequence) -> list[Resample]:
        """The resamples of this scheme for outcome (n,) 0/1, 1 for a patient with the event; ``settings`` is what the
        study file gives under its name, or its ``Settings``."""
        ...


@runtime_checkable
class FeatureSource(DescribesFeatures, Protocol):
    """A source of features: one case in, named values out.

    ``Settings`` is a pydantic model that refuses unknown keys; a key ``combine`` in it (``mean`` or ``volume``) says
    how several regions of a patient become one row. Values that are the mean of single images may come as
    :class:`~prldh.core.imaging.Pooled`, for selectors that choose among the images. It may also be any of
    :data:`OPTIONAL_OF_SOURCES`, and its settings :class:`RelativeSettings`.
    """

    name: str
    version: str
    Settings: type[BaseModel]

    def extract(self, case: Case, settings: BaseModel) -> tuple[dict[str, float], ...]:
        """Values of one case, one dictionary a reader. Names are the same, in the same order, for every case.

        Raises :class:`~prldh.core.errors.DataError` where the case has no values; it is then put aside with that
        reason.
        """
        ...


@runtime_checkable
class ImageStep(Protocol):
    """What is done to an image before it is measured: of that case alone, nothing is fitted to other patients.

    ``Settings`` is a pydantic model that refuses unknown keys. Kept values are found again by name, version, code,
    settings and, where what it gives depends on more, its ``fingerprint``. ``ibsi_item``, where it has one: the item of
    IBSI's reporting guidelines that it answers; ``of_image_alone = True``: it neither reads nor changes masks, so that
    lesions of one image share what it gives. It may also be any of :data:`OPTIONAL_OF_IMAGE_STEPS`, and its settings
    :class:`RelativeSettings`.
    """

    name: str
    version: str
    Settings: type[BaseModel]

    def apply(self, case: Case, settings: BaseModel) -> Case:
        """The case with another image: finite voxels, masks as many, boolean, and on the grid of the image. What it is
        given is read-only.

        Raises :class:`~prldh.core.errors.DataError` where it cannot take this image; the case is then put aside with
        that reason.
        """
        ...


@runtime_checkable
class Statistic(Protocol):
    """A statistic of predictions, computed of every model wherever its plugin is installed.

    ``label`` is what tables call it. It is given apparent predictions, and those held out of each repeat.
    """

    name: str
    version: str
    label: str

    def measure(self, outcome: np.ndarray, probability: np.ndarray) -> Mapping[str, float | None]:
        """``estimate``, and ``low`` and ``high`` where it has an interval of known coverage, of outcome (n,) 0/1 and
        probability (n,) of the event. An estimate of None: it is not defined here, as where a class is missing."""
        ...


@runtime_checkable
class Checklist(Protocol):
    """A reporting checklist whose items look for their evidence in what is known of a study.

    It may also be :class:`ScoresAnswers`.
    """

    name: str
    version: str

    def evaluate(self, dossier: Dossier) -> list[dict[str, Any]]:
        """One entry an item: ``number``, ``text``, ``status`` (filled, contradicted, author or not applicable) and
        ``evidence``, a list of ``{where, href}`` with links relative to the output folder; ``value``, ``reason``,
        ``question`` and ``section`` where there are any.

        ``dossier.results`` is the content of ``results.json``, or None where there was no analysis.
        """
        ...


@runtime_checkable
class ReportSection(Protocol):
    """A section of the report from a plugin."""

    name: str
    title: str

    def render(self, results: dict[str, Any], folder: Path) -> str:
        """An HTML fragment; it is placed as it is, so escape what comes from data. An empty one leaves the section
        out."""
        ...
