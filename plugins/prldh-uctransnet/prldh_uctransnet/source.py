"""The feature source ``uctransnet``: 512 values of a region, from the encoder of a trained network."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from prldh.api import Case, DataError, PluginError, Pooled, Reference, SourceRun, StudyError, expanded, file_text
from prldh_uctransnet import __version__
from prldh_uctransnet.library_table import SOURCE, digest_of_library, read_library, refuse_other_network
from prldh_uctransnet.settings import Settings as UCTransNetSettings

N_FEATURES = 512
NAMES = tuple(f"uctransnet_{i:03d}" for i in range(N_FEATURES))
Values = tuple[dict[str, float], ...]


class UCTransNetSource:
    """Rectangle around the mask, size x size, min-max, fourth down-sampling stage, mean over the map: 512 values a
    slice, then one set a reader over the slices."""

    name = SOURCE
    version = __version__
    Settings = UCTransNetSettings
    packages = ("prldh-uctransnet", "torch")
    commands = ("segment", "explain")
    references = (
        Reference(
            "wang2022",
            "Wang, Haonan and Cao, Peng and Wang, Jiaqi and Zaiane, Osmar R.",
            "UCTransNet: rethinking the skip connections in U-Net from a channel-wise perspective with transformer",
            "Proceedings of the AAAI Conference on Artificial Intelligence",
            2022,
            "36",
            "2441--2449",
            "10.1609/aaai.v36i3.20144",
        ),
    )

    def methods(self, run: SourceRun) -> str:
        """The sentence for the Methods, with the version of torch where it is known."""
        version = " (torch {packages.torch})" if "torch" in run.packages else ""
        return f"Features were measured on images by the encoder of a UCTransNet [@wang2022]{version}."

    def check(self, settings: UCTransNetSettings) -> None:
        """Refuse before any image is read what no image could change: no checkpoint, one that cannot be used, a device
        that is not there, a library that cannot be read or is of another network.

        Raises
        ------
        StudyError, PluginError, DataError
        """
        _embedder_of(settings)
        if settings.library is not None:
            read_library(settings.library, "extraction.uctransnet.library")
            refuse_other_network(settings.library, _sha256_of(settings))

    def for_steps(self, settings: UCTransNetSettings) -> dict[str, Any]:
        """The SHA-256 of the checkpoint, and the library (path and SHA-256) where one is named: what the selector
        ``feature_library`` asks for."""
        told: dict[str, Any] = {"checkpoint_sha256": _sha256_of(settings)}
        if settings.library is not None:
            told["library"] = {"path": settings.library, "sha256": digest_of_library(settings.library)}
        return told

    def extract(self, case: Case, settings: UCTransNetSettings) -> Values:
        """The 512 values of one case, one dictionary a reader.

        Raises
        ------
        DataError
            The mask is empty, or no slice of the region has more than one value.
        StudyError, PluginError
            No checkpoint is named, or it cannot be used.
        """
        (values,) = self.extract_many([case], settings)
        if isinstance(values, DataError):
            raise values
        return values

    def extract_many(self, cases: Sequence[Case], settings: UCTransNetSettings) -> list[Values | DataError]:
        """The same of many cases, their pictures in common batches. A case without values has its error in its
        place."""
        from prldh_uctransnet.regions import batches_of

        embedder = _embedder_of(settings)
        errors: dict[int, DataError] = {}
        by_owner: dict[tuple[int, int], list[np.ndarray]] = {}
        for owners, pictures in batches_of(_pictures(cases, settings, errors), embedder.batch):
            for owner, values in zip(owners, embedder(pictures).astype(np.float64), strict=True):
                by_owner.setdefault(owner, []).append(values)
        return [
            errors.get(i)
            or tuple(
                _named(np.array(by_owner[i, reader]), case.patient, settings.pool) for reader in range(len(case.masks))
            )
            for i, case in enumerate(cases)
        ]

    def readers(self, settings: UCTransNetSettings, jobs: int) -> int:
        """As ``settings.readers`` says; else on a GPU all of ``jobs``, and on a CPU none, where as many processes each
        read and compute."""
        if settings.readers is not None:
            return settings.readers
        return 0 if _embedder_of(settings).device.type == "cpu" else jobs

    def prepare(self, case: Case, settings: UCTransNetSettings) -> Iterator[Any]:
        """The rectangles of a case, without torch."""
        from prldh_uctransnet.crops import crops_of

        yield from crops_of(case, settings)

    def open_stream(self, settings: UCTransNetSettings) -> Any:
        """Where they become values, in the one process that has the device."""
        from prldh_uctransnet.streaming import PictureStream

        return PictureStream(
            _embedder_of(settings), settings.size, lambda images, patient: _named(images, patient, settings.pool)
        )

    def describe(self, names: Sequence[str], settings: UCTransNetSettings) -> dict[str, dict[str, Any]]:
        """Deep features have no unit and no IBSI code; ``channel`` is the channel of the fourth down-sampling's map."""
        return {n: {"unit": None, "ibsi": None, "family": "deep", "channel": NAMES.index(n)} for n in names}

    def fingerprint(self, settings: UCTransNetSettings) -> str:
        """What the values depend on beside the settings: the checkpoint's SHA-256, the device, its versions."""
        return f"{_sha256_of(settings)} {json.dumps(_embedder_of(settings).about, sort_keys=True)}"

    def trained_on(self, settings: UCTransNetSettings) -> set[str]:
        """SHA-256 of the ids of the patients that trained the checkpoint (hexadecimal), its validation patients
        included, as they chose the epoch; empty where the file does not say, as published ones do not. An analysed
        patient among them is leakage."""
        return set(self.provenance(settings).get("patients_sha256", ()))

    def provenance(self, settings: UCTransNetSettings) -> dict[str, Any]:
        """What the checkpoint says of its training: hashed ids, settings, versions, epoch, validation; empty where it
        says nothing."""
        return _checkpoint_of(settings).provenance

    def metadata(self, settings: UCTransNetSettings) -> dict[str, Any]:
        """What the report says of the checkpoint: its digest, the device that computes with it here, and of its
        training the numbers of patients, settings, versions, the epoch that was kept with its validation, and the
        history of all epochs where ``training.json`` of the same run lies beside it."""
        provenance = self.provenance(settings)
        metadata: dict[str, Any] = {
            "checkpoint_sha256": _sha256_of(settings),
            "computed_on": _embedder_of(settings).about,
        }
        if settings.library is not None:
            metadata["library_sha256"] = digest_of_library(settings.library)
        if provenance:
            metadata["training"] = {
                "n_patients": len(provenance.get("patients_sha256", ())),
                "n_validation": len(provenance.get("validation_sha256", ())),
                **{key: provenance.get(key) for key in ("epoch", "validation", "settings", "versions")},
                "history": _history(_checkpoint_path(settings).parent, provenance),
            }
        return metadata


def _history(folder: Path, provenance: dict[str, Any]) -> list[dict[str, float]]:
    """Losses and Dice of every epoch from ``training.json``; empty where it is not there or of other patients or
    settings."""
    try:
        log = json.loads(file_text(folder / "training.json"))
        is_same = all(log["provenance"][key] == provenance[key] for key in ("patients_sha256", "settings"))
        return [{key: float(value) for key, value in epoch.items()} for epoch in log["history"]] if is_same else []
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return []


def _pictures(
    cases: Sequence[Case], settings: UCTransNetSettings, errors: dict[int, DataError]
) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
    """Every picture with its owner (case, reader); a case without one is entered in ``errors`` and gives none."""
    from prldh_uctransnet.regions import pictures_of

    for i, case in enumerate(cases):
        try:
            by_reader = [pictures_of(case, reader, settings) for reader in range(len(case.masks))]
        except DataError as error:
            errors[i] = error
            continue
        for reader, pictures in enumerate(by_reader):
            for picture in pictures:
                yield (i, reader), picture


def _named(images: np.ndarray, patient: str, pool: str) -> dict[str, float]:
    """Values (s, 512) of the slices as one set; with the mean, the slices stay with it."""
    if not np.isfinite(images).all():
        raise PluginError(
            f"the network gives values that are not finite for patient {patient}; its weights are damaged, or fp16"
            " overflows. Use precision: fp32."
        )
    values = images.mean(axis=0) if pool == "mean" else images.max(axis=0)
    named = dict(zip(NAMES, values.tolist(), strict=True))
    return Pooled(named, images) if pool == "mean" else named


def _checkpoint_path(settings: UCTransNetSettings) -> Path:
    if settings.checkpoint is None:
        raise StudyError(
            "extraction.uctransnet.checkpoint: the source needs a trained network, and none is named. Train one on your"
            " images and masks, `prldh segment train STUDY.yaml --out FOLDER`, and name it: checkpoint: FOLDER/best.pt."
        )
    return expanded(settings.checkpoint)


def _sha256_of(settings: UCTransNetSettings) -> str:
    from prldh_uctransnet.checkpoints import file_sha256

    try:
        return file_sha256(_checkpoint_path(settings))
    except DataError as error:
        raise PluginError(f"extraction.uctransnet.checkpoint: {error}") from None


def _checkpoint_of(settings: UCTransNetSettings) -> Any:
    path = _checkpoint_path(settings)
    try:
        state = path.stat()
    except OSError:
        state = None
    try:
        return _load(path, state and (state.st_mtime_ns, state.st_size))
    except (DataError, PluginError) as error:
        raise PluginError(f"extraction.uctransnet.checkpoint: {error}") from None


@lru_cache(maxsize=2)  # that of one tissue and that of the next
def _load(path: Path, state: Any) -> Any:
    """The checkpoint, kept while the file is as it was."""
    from prldh_uctransnet.checkpoints import load_checkpoint

    return load_checkpoint(path)


def _embedder_of(settings: UCTransNetSettings) -> Any:
    checkpoint = _checkpoint_of(settings)
    if checkpoint.network.width * 8 != N_FEATURES:
        raise PluginError(
            f"extraction.uctransnet.checkpoint: a network of width {checkpoint.network.width} has no {N_FEATURES}"
            " values. Train one of width 64."
        )
    return _make_embedder(checkpoint, settings.device, settings.precision, settings.batch, settings.compile)


@lru_cache(maxsize=2)
def _make_embedder(checkpoint: Any, device: str, precision: str, batch: int | None, is_compiled: bool) -> Any:
    from prldh_uctransnet.embedding import Embedder

    return Embedder(checkpoint.network, device, precision, batch, is_compiled)
