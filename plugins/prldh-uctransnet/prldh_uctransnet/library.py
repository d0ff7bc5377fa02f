"""The selector ``feature_library``: deep features, or images, that are as those of the library.

**Our reading.** The published study compares its features with a library, those of the images that the network was
trained on, by "unsupervised clustering into two clusters" and does not give the algorithm. Ours are two, which use no
outcome and training rows alone.

Reading A, the default, chooses features:

1. a feature is described by its Pearson correlations with all features, once in the cohort and once in the library
   (standardising by the library changes no correlation);
2. k-means with two clusters on the cohort's descriptions (scikit-learn, 10 starts, seeded);
3. a cluster's score is the mean cosine between its features' descriptions in the cohort and in the library;
4. the cluster with the higher score is kept; where both have the same, the larger.

Features that are constant in the library or in the training rows have no description and are dropped with that reason.

Reading B chooses images, the slices and regions of a patient:

1. values are standardised by mean and SD of the library; features that are constant there do not count;
2. k-means with two clusters on the training patients' images (reader 1), likewise;
3. the cluster stays whose centroid is nearer to the library's, the origin; where both are as near, the first;
4. an image, of whichever patient and reader, belongs to the nearer centroid; a patient's values are the mean of the
   images that stay. A patient of whom none stays is represented by the image nearest to that centroid.

With one image a patient, as from tables, B leaves everything as it is. Features that the library does not hold, such as
a block of another source, pass untouched where none of a block is in it, and are an error otherwise.

Networks name their features alike, so that a library of another tissue or network would fit by its names: it is refused
where `prldh extract` left beside it of what it is (``TISSUE.json``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from prldh.api import (
    ChosenImages,
    DataError,
    ImageValues,
    Selection,
    SelectorSettings,
    StepRun,
    StudyError,
    TrainingRows,
    bounds,
    expanded,
    some,
)
from prldh_uctransnet.library_table import (
    SOURCE,
    digest_of_library,
    read_library,
    refuse_other_network,
    refuse_other_tissue,
)

if TYPE_CHECKING:
    from prldh.api import StatisticsEngine


Place = Annotated[str, Field(min_length=1)]


class LibrarySettings(SelectorSettings):
    """``library``: a feature table as `prldh extract` writes it, of the images that the network was trained on; a
    mapping names one a tissue. None: the one that ``extraction.uctransnet.library`` names for the tissue."""

    library: Place | Annotated[dict[str, Place], Field(max_length=bounds.NAMES)] | None = Field(
        None,
        description="feature table of the images that the network was trained on, one for all tissues or one for each"
        " (tissue: table); default: `extraction.uctransnet.library` of the tissue",
    )
    reading: Literal["A", "B"] = Field(
        "A", description="our reading of the study's library: A chooses features, B images"
    )

    def relative_to(self, folder: Path) -> LibrarySettings:
        """The same with paths relative to a folder, that of the study file."""

        def resolved(path: str) -> str:
            return str(folder / expanded(path))

        given = self.library
        if given is None:
            return self
        paths = {t: resolved(path) for t, path in given.items()} if isinstance(given, dict) else resolved(given)
        return self.model_copy(update={"library": paths})

    @property
    def paths(self) -> tuple[str, ...]:
        """Every table that is named here."""
        if self.library is None:
            return ()
        return tuple(self.library.values()) if isinstance(self.library, dict) else (self.library,)


class FeatureLibrary:
    """Two readings of the study's feature library; the module's docstring is their definition."""

    name = "feature_library"
    version = "2"
    Settings = LibrarySettings
    label = "Feature library"
    short_label = "feature library"
    note_on_alternatives = (
        "Readings A and B of the feature library are our readings: the published study does not give its algorithm."
    )

    def methods(self, run: StepRun) -> str:
        """The sentence for the Methods."""
        if run.settings.get("reading") == "B":
            return (
                "the images were clustered into two, and those of the cluster nearer to the images that the network"
                " was trained on were kept (reading {reading})"
            )
        return (
            "features were clustered into two, and those of the cluster were kept whose correlations are more like"
            " those in the images that the network was trained on (reading {reading})"
        )

    def check(self, settings: LibrarySettings) -> None:
        """Refuse a library that cannot be read before any image is."""
        for path in settings.paths:
            read_library(path)

    def fingerprint(self, settings: LibrarySettings) -> str:
        """SHA-256 of the libraries: refits that were kept are not those of others."""
        return " ".join(map(digest_of_library, settings.paths))

    def alternatives(self, settings: LibrarySettings) -> dict[str, LibrarySettings | None]:
        """As the algorithm is not published, both readings and the chain without the step are compared."""
        readings = {f"reading {reading}": settings.model_copy(update={"reading": reading}) for reading in ("A", "B")}
        return {**readings, "without it": None}

    def from_state(self, state: dict[str, Any]) -> ChosenImages:
        """What reading B fitted, from a frozen model: new patients need no library."""
        return ChosenImages.from_state(state, ImagesNearLibrary.from_state)

    def fit(
        self, rows: TrainingRows, settings: LibrarySettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> Selection:
        """Keep the cluster of features, or of images, that is nearer to the library.

        Raises
        ------
        StudyError, DataError
            If the library cannot be read, is of another tissue or network, or holds some of the features only.
        """
        path = library_for(rows, settings)
        names, values = read_library(path)
        position = {name: j for j, name in enumerate(names)}
        absent = [n for n in rows.names if n not in position]
        if len(absent) == len(rows.names):
            return Selection(
                np.arange(len(rows.names)),
                {},
                {"reading": settings.reading, "n_in_library": 0, "note": "no feature of this block is in the library"},
            )
        refuse_other_tissue(path, rows.tissue)
        refuse_other_network(path, rows.made_by.get(SOURCE, {}).get("checkpoint_sha256"))
        if absent:
            raise DataError(
                f"selection.feature_library: {Path(path).name} lacks {len(absent)} of {len(rows.names)}"
                f" features: {some(absent)}. Extract it with the same source."
            )
        library = values[:, [position[n] for n in rows.names]]
        return _choose_features(rows, library, seed) if settings.reading == "A" else _choose_images(rows, library, seed)


def _choose_features(rows: TrainingRows, library: np.ndarray, seed: np.random.SeedSequence) -> Selection:
    """Reading A; ``library`` (m, p) has the columns of the rows."""
    is_constant = {"the library": np.ptp(library, axis=0) == 0, "the training rows": np.ptp(rows.values, axis=0) == 0}
    dropped = {
        rows.names[j]: f"constant in {where}" for where, flags in is_constant.items() for j in np.flatnonzero(flags)
    }
    varying = np.flatnonzero(~np.logical_or.reduce(list(is_constant.values())))
    if varying.size < 2:
        return Selection(
            varying, dropped, {"reading": "A", "n_in_library": len(library), "note": "fewer than two features vary"}
        )
    cluster, scores, cosines = cluster_features(rows.values[:, varying], library[:, varying], seed)
    best = max((0, 1), key=lambda k: (scores[k], int(np.sum(cluster == k))))
    for j, k, cosine in zip(varying, cluster, cosines, strict=True):
        if k != best:
            dropped[rows.names[j]] = (
                f"in the cluster farther from the library (mean cosine {scores[k]:.3f} < {scores[best]:.3f}; its own"
                f" {cosine:.3f})"
            )
    details = {
        "reading": "A",
        "n_in_library": len(library),
        "scores": [float(s) if np.isfinite(s) else None for s in (scores[best], scores[1 - best])],
    }
    return Selection(varying[cluster == best], dropped, details)


@dataclass(frozen=True)
class ImagesNearLibrary:
    """The fitted rule of reading B: standardise by ``mean`` and ``sd`` (p,) of the library, where ``sd`` is not 0, and
    go to the nearer of two ``centroids`` (2, p'), of which the first is the library's."""

    mean: np.ndarray
    sd: np.ndarray
    centroids: np.ndarray

    @property
    def state(self) -> dict[str, Any]:
        """The same as JSON."""
        return {"mean": self.mean.tolist(), "sd": self.sd.tolist(), "centroids": self.centroids.tolist()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> ImagesNearLibrary:
        """From that again."""
        return cls(*(np.array(state[key], dtype=np.float64) for key in ("mean", "sd", "centroids")))

    def __call__(self, images: ImageValues) -> np.ndarray:
        """Which images stay (m,)."""
        distance = self.distances(images.values)
        stays = distance[0] <= distance[1]
        starts = np.flatnonzero(np.diff(images.row, prepend=-1))
        for start, stop in zip(starts, [*starts[1:], len(images.row)], strict=True):
            if not stays[start:stop].any():
                stays[start + int(distance[0, start:stop].argmin())] = True
        return stays

    def distances(self, values: np.ndarray) -> np.ndarray:
        """Euclidean distances (2, m) of images from the centroids."""
        z = _standardised(values, self.mean, self.sd)
        return np.array([np.linalg.norm(z - centroid, axis=1) for centroid in self.centroids])


def _choose_images(rows: TrainingRows, library: np.ndarray, seed: np.random.SeedSequence) -> Selection:
    """Reading B; every feature is kept, of the images that stay."""
    from sklearn.cluster import KMeans

    everything, details = np.arange(len(rows.names)), {"reading": "B", "n_in_library": len(library)}
    if rows.images is None:
        warning = "reading B has no single images to choose from: a row a patient, or pool: max. Everything stays"
        return Selection(everything, {}, details, (warning,))
    images = rows.images[0]
    mean, sd = library.mean(axis=0), library.std(axis=0)
    z = _standardised(images.values, mean, sd)
    if len(np.unique(z, axis=0)) < 2:
        return Selection(everything, {}, details, ("reading B: all images are the same. Everything stays",))
    clustering = KMeans(n_clusters=2, n_init=10, random_state=int(seed.generate_state(1)[0])).fit(z)
    order = np.argsort(np.linalg.norm(clustering.cluster_centers_, axis=1), kind="stable")
    rule = ImagesNearLibrary(mean, sd, clustering.cluster_centers_[order])
    is_near, stays = np.subtract(*rule.distances(images.values)) <= 0, rule(images)
    details |= {
        "n_images": len(stays),
        "n_images_kept": int(stays.sum()),
        "n_patients_by_nearest": int((stays & ~is_near).sum()),
        "distances": np.linalg.norm(rule.centroids, axis=1).tolist(),
    }
    return Selection(everything, {}, details, images=rule)


def _standardised(values: np.ndarray, mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    return ((values - mean) / np.where(sd > 0, sd, 1.0))[:, sd > 0]


def cluster_features(
    cohort: np.ndarray, library: np.ndarray, seed: np.random.SeedSequence
) -> tuple[np.ndarray, tuple[float, float], np.ndarray]:
    """Clusters (p,) of features, the score of each cluster (-inf where it is empty), and each feature's cosine (p,).

    ``cohort`` (n, p) and ``library`` (m, p) without constant columns.
    """
    from sklearn.cluster import KMeans

    described, expected = np.corrcoef(cohort, rowvar=False), np.corrcoef(library, rowvar=False)
    state = int(seed.generate_state(1)[0])
    cluster = KMeans(n_clusters=2, n_init=10, random_state=state).fit_predict(described)
    cosines = (described * expected).sum(axis=1) / (
        np.linalg.norm(described, axis=1) * np.linalg.norm(expected, axis=1)
    )
    first, second = (float(cosines[cluster == k].mean()) if np.any(cluster == k) else -np.inf for k in (0, 1))
    return cluster, (first, second), cosines


def library_for(rows: TrainingRows, settings: LibrarySettings) -> str:
    """The library of a tissue: its own, the one for all, or that of its source's settings.

    Raises
    ------
    StudyError
        Where none is named.
    """
    if isinstance(settings.library, str):
        return settings.library
    named = settings.library or {}
    of_source = rows.made_by.get(SOURCE, {}).get("library")
    path = named.get(rows.tissue) or (of_source and of_source["path"])
    if path is None:
        found = f"those of {', '.join(named)}" if named else "none"
        raise StudyError(
            f"selection.feature_library: no library of the tissue '{rows.tissue}' is named (found: {found}). Name it:"
            f" library: {{{rows.tissue}: TABLE}}, or under tissues.{rows.tissue}, extraction: {{{SOURCE}: {{library:"
            " TABLE}}."
        )
    return str(path)
