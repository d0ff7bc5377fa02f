"""``prldh segment train | predict | evaluate`` and ``prldh explain``: parse, call, print."""

from __future__ import annotations

from pathlib import Path

import click

from prldh.api import bounds, printable, show_progress
from prldh_uctransnet.recipe import MOST_EPOCHS

PLACE = click.Path(path_type=Path)


@click.group()
def segment() -> None:
    """Segment a region with UCTransNet: train on your masks, predict masks, evaluate them."""


tissue_option = click.option("--tissue", help="The tissue of the study file; needed where several are given as images.")
device_option = click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), help="Default: a GPU that is there, or else the CPU."
)


@segment.command()
@click.argument("study", type=PLACE)
@click.option("--out", required=True, type=PLACE, help="Folder for best.pt, last.pt, training.json and training.svg.")
@tissue_option
@device_option
@click.option("--epochs", type=click.IntRange(1, MOST_EPOCHS), help="Overrides the study file.")
@click.option("--seed", type=click.IntRange(0, bounds.SEED), help="Seed; overrides the study file.")
@click.option("--resume", is_flag=True, help="Go on from last.pt of that folder.")
@click.option("--force", is_flag=True, help="Replace a network that is already there.")
def train(
    study: Path,
    out: Path,
    tissue: str | None,
    device: str | None,
    epochs: int | None,
    seed: int | None,
    resume: bool,
    force: bool,
) -> None:
    """Train on the images and masks of a tissue; settings are extraction.uctransnet.train of STUDY.yaml.

    On several GPUs: torchrun --nproc-per-node N -m prldh segment train ...
    """
    from prldh_uctransnet import parallel
    from prldh_uctransnet.workflow import train_study

    with show_progress() as progress:
        done = train_study(
            study,
            out,
            tissue,
            device=device,
            epochs=epochs,
            seed=seed,
            is_resumed=resume,
            is_forced=force,
            progress=progress,
            say=_say,
        )
    best = done["best"]
    if parallel.world()[0] == 0:
        line = f"best epoch {best['epoch']}: validation Dice {best['validation_dice']:.4f}; {out / 'best.pt'}"
        click.echo(printable(line))


@segment.command()
@click.argument("images", nargs=-1, required=True, type=PLACE)
@click.option("--checkpoint", required=True, type=PLACE, help="best.pt of a training run, or a published checkpoint.")
@click.option("--out", required=True, type=PLACE, help="Folder for the masks, named as their images.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["nifti", "seg.nrrd"]),
    default="nifti",
    show_default=True,
    help="Pictures get PNG masks.",
)
@click.option(
    "--plane",
    type=click.Choice(["acquired", "axial", "sagittal", "coronal"]),
    help="Default: the plane it was trained in.",
)
@device_option
@click.option("--force", is_flag=True, help="Replace masks that are already there.")
def predict(
    images: tuple[Path, ...], checkpoint: Path, out: Path, kind: str, plane: str | None, device: str | None, force: bool
) -> None:
    """Write the masks that a network finds on IMAGES."""
    from prldh_uctransnet.workflow import predict_images

    for line in predict_images(images, checkpoint, out, kind=kind, plane=plane, device=device, is_forced=force):
        click.echo(printable(line))


@segment.command()
@click.argument("study", type=PLACE)
@click.option("--checkpoint", required=True, type=PLACE, help="best.pt of a training run, or a published checkpoint.")
@click.option("--out", required=True, type=PLACE, help="Folder for segmentation.csv and segmentation.json.")
@tissue_option
@device_option
@click.option("--unseen", is_flag=True, help="Only patients that neither trained the network nor chose its epoch.")
@click.option("--force", is_flag=True, help="Replace results that are already there.")
def evaluate(
    study: Path, checkpoint: Path, out: Path, tissue: str | None, device: str | None, unseen: bool, force: bool
) -> None:
    """Compare the masks that a network finds with the readers' masks, and the readers' with each other."""
    from prldh_uctransnet.workflow import evaluate_study

    with show_progress() as progress:
        lines = evaluate_study(
            study, checkpoint, out, tissue, device=device, is_unseen=unseen, is_forced=force, progress=progress
        )
    for line in lines:
        click.echo(printable(line))


def _say(text: str) -> None:
    click.echo(printable(text), err=True)


@click.command()
@click.argument("study", type=PLACE)
@click.option(
    "--results",
    required=True,
    type=PLACE,
    help="Output folder of prldh analyze; the heat maps go to its folder explanation.",
)
@click.option("--tissue", help="Default: every tissue that is given as images and has deep features.")
@click.option("--checkpoint", type=PLACE, help="Default: extraction.uctransnet.checkpoint of the tissue or the study.")
@click.option(
    "--patient",
    "patients",
    multiple=True,
    help="Whom to show, again for more; default one patient a quarter of the Radscores.",
)
@click.option(
    "--segmentation", is_flag=True, help="Draw Grad-CAM of the network's segmentation of the same patients, too."
)
@click.option("--force", is_flag=True, help="Replace heat maps that are already there.")
def explain(
    study: Path,
    results: Path,
    tissue: str | None,
    checkpoint: Path | None,
    patients: tuple[str, ...],
    segmentation: bool,
    force: bool,
) -> None:
    """Draw where the deep part of a Radscore comes from, exactly, on the image; of every tissue with deep features
    where none is named."""
    from prldh_uctransnet.explanation import explain_study

    for line in explain_study(
        study, results, tissue, checkpoint=checkpoint, patients=patients, is_segmentation=segmentation, is_forced=force
    ):
        click.echo(printable(line))
    click.echo(
        f"heat maps as PNG and SVG in {results / 'explanation'}; `prldh report {results}` shows them in the report"
    )
