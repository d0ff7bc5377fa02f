"""What a training run leaves: checkpoints with what is said of their training, and the log of all epochs."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prldh import __version__ as core_version
from prldh.api import OutputError, PluginError, write_whole
from prldh_uctransnet import __version__, parallel
from prldh_uctransnet.checkpoints import hash_patient, read_content, save_checkpoint
from prldh_uctransnet.devices import about_device
from prldh_uctransnet.recipe import Recipe, free_on_resume

if TYPE_CHECKING:
    from prldh_uctransnet.training import Training

LAST, BEST, LOG = "last.pt", "best.pt", "training.json"


def provenance(training_ids: Sequence[str], validation_ids: Sequence[str], run: Training) -> dict[str, Any]:
    """What a checkpoint says of its training. Patients are hashed: those who trained or chose the epoch can be told,
    and not read off."""
    recipe = run.recipe
    return {
        "patients_sha256": sorted(hash_patient(p) for p in (*training_ids, *validation_ids)),
        "validation_sha256": sorted(hash_patient(p) for p in validation_ids),
        "settings": (
            recipe.model_dump(mode="json", exclude={"held_out"})
            | {"seed": run.seed, "n_held_out": len(recipe.held_out) if isinstance(recipe.held_out, tuple) else None}
        ),
        "versions": {
            "prldh": core_version,
            "prldh-uctransnet": __version__,
            "python": platform.python_version(),
            **{p: metadata.version(p) for p in ("torch", "monai", "numpy")},
        },
        "device": run.device.type,
        "computed_on": about_device(run.device, run.precision) | {"processes": parallel.world()[1]},
    }


def take_up(run: Training, path: Path, about: dict[str, Any]) -> None:
    """Go on from ``last.pt``.

    Raises
    ------
    DataError, PluginError
        If it is not there, or was made with other patients or settings.
    """
    content = read_content(path)
    kept = content.get("prldh", {})
    free = free_on_resume(run.recipe)
    absent = Recipe().model_dump(
        mode="json", exclude={"held_out"}
    )  # what an earlier version did not know is as the default
    mine, theirs = ({k: v for k, v in (absent | a.get("settings", {})).items() if k not in free} for a in (about, kept))
    odd = sorted(k for k in {*mine, *theirs} if mine.get(k) != theirs.get(k))
    if odd or kept.get("patients_sha256") != about["patients_sha256"] or "training" not in content:
        what = f"train.{odd[0]} ({theirs.get(odd[0])} there, {mine.get(odd[0])} here)" if odd else "its patients"
        raise PluginError(
            f"the run in {path.parent.name} cannot be taken up: {what} differ. Train anew in another folder, or set it"
            " back."
        )
    if parallel.world()[0] == 0:
        for scrap in path.parent.glob(f".partial-*{path.suffix}"):  # what a killed run was writing
            scrap.unlink(missing_ok=True)
    run.network.load_state_dict(content["state_dict"])
    run.optimizer.load_state_dict(content["optimizer"])
    run.history, run.best = list(content["training"]["history"]), dict(content["training"]["best"])


def keep(run: Training, about: dict[str, Any], out: Path, is_best: bool) -> None:
    """Write the epoch that is finished, as the best one too where ``is_best``.

    Raises
    ------
    OutputError
        If that cannot be written.
    """
    weights = {k: v.detach().cpu().contiguous() for k, v in run.network.state_dict().items()}
    about = about | {"epoch": run.epoch, "validation": {k: v for k, v in run.history[-1].items() if k != "epoch"}}
    try:
        if is_best:
            save_checkpoint(out / BEST, {"state_dict": weights, "prldh": about})
        training = {"history": run.history, "best": run.best}
        save_checkpoint(
            out / LAST,
            {"state_dict": weights, "optimizer": run.optimizer.state_dict(), "training": training, "prldh": about},
        )
        write_whole(out / LOG, json.dumps(log_of(run, about), indent=2).encode())
    except (OSError, RuntimeError) as error:
        raise OutputError(
            f"the checkpoint of epoch {run.epoch} cannot be written to {out}: {error}. The one before it is whole; free"
            " some space and use --resume."
        ) from None


def log_of(run: Training, about: dict[str, Any]) -> dict[str, Any]:
    """The content of ``training.json``."""
    return {"schema": "prldh-training/1", "best": run.best, "history": run.history, "provenance": about}
