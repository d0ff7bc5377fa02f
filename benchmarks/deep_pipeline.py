"""From files to deep features while others read: what reading adds to computing, what waits in the queue, and whether
the values are those of each case alone. Runs on a CPU and on a GPU.

By the clock it needs as many free cores as processes; CPU seconds of the process that computes say what it does beside
computing wherever other work is going on.

python benchmarks/deep_pipeline.py                                      # the device that is there
python benchmarks/deep_pipeline.py --device cpu --cases 24 --json FILE
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from embedding import make_network
from prldh_uctransnet import source as source_module
from prldh_uctransnet.checkpoints import save_checkpoint
from prldh_uctransnet.crops import pictures_on
from prldh_uctransnet.regions import pictures_of
from prldh_uctransnet.settings import Settings
from prldh_uctransnet.source import UCTransNetSource

from prldh.core import CaseRow
from prldh.data.imaging import load_case, streaming
from prldh.data.imaging.sources import ChosenSource
from prldh.study import ReadSettings
from prldh.work import Pieces

SIZE = 224
READ = streaming.read_pieces
RATIOS = ("share", "added", "cpu_added", "pictures_per_second")


@dataclass
class Timed:
    """One way, seconds in one run, from the first rectangle on: of the clock (``together``), of the readers' clocks
    while they read (their mean), of the computing process's clock and CPU while it computed, and of its CPU beside
    that; what waited at most."""

    way: str
    n_pictures: int
    readers: int
    together: float
    reading: float
    computing: float
    cpu_computing: float
    cpu_beside: float
    most_bytes: int
    limit: int

    @property
    def share(self) -> float:
        """Of what reading and computing take one after the other."""
        return self.together / (self.reading + self.computing)

    @property
    def added(self) -> float:
        """What reading adds to computing, by the clock, as a share of it."""
        return self.together / self.computing - 1

    @property
    def cpu_added(self) -> float | None:
        """The same of the computing process's CPU: receiving, answering, keeping; None where computing is waiting."""
        return self.cpu_beside / self.cpu_computing if self.cpu_computing > 0.1 * self.computing else None

    @property
    def pictures_per_second(self) -> float:
        return self.n_pictures / self.together


def write_cases(folder: Path, n: int, seed: int) -> list[CaseRow]:
    """Compressed NIfTI volumes of 14 x 256 x 256 with a region of about 100 x 140 pixels on three slices."""
    import SimpleITK as sitk

    generator, rows = np.random.default_rng(seed), []
    for i in range(n):
        values = generator.normal(size=(14, 256, 256)).cumsum(axis=1).cumsum(axis=2)
        mask = np.zeros(values.shape, np.uint8)
        mask[6:9, 70 : 160 + i % 20, 60 : 190 + i % 30] = 1
        for kind, array in (("i", (200 * values).astype(np.int16)), ("m", mask)):
            image = sitk.GetImageFromArray(array)
            image.SetSpacing((0.7, 0.7, 4.0))
            sitk.WriteImage(image, str(folder / f"{kind}{i}.nii.gz"), True)
        rows.append(CaseRow("disc", f"P{i}", i + 2, folder / f"i{i}.nii.gz", (folder / f"m{i}.nii.gz",)))
    return rows


class Recording(Pieces):
    """Remembers the last one, and when its first piece was asked for."""

    last: Recording
    first: tuple[float, float]

    def __iter__(self) -> Any:
        Recording.last = self
        for n, found in enumerate(super().__iter__()):
            if n == 0:
                Recording.first = time.perf_counter(), time.process_time()
            yield found


def read_and_tell(path: Path, names: Any, *given: Any) -> Any:
    """What a reader does, and how long it took, without waiting for room in the queue."""
    spent, start = 0.0, time.perf_counter()
    for piece in READ(names, *given):
        spent += time.perf_counter() - start
        yield piece
        start = time.perf_counter()
    with path.open("a") as file:
        file.write(f"{spent}\n")


def run(
    way: str,
    embedder: Any,
    launch: Any,
    rows: list[CaseRow],
    chosen: ChosenSource,
    kept: Path,
    readers: int,
    limit: int,
) -> tuple[list[Any], Timed]:
    """Results, and how long it took where ``launch`` computes."""
    told, real, busy = kept / "reading.txt", embedder.launch, [0.0, 0.0]

    def watched(some: list[Any], size: int) -> torch.Tensor:
        before = time.perf_counter(), time.thread_time()
        values = launch(some, size)
        busy[0] += time.perf_counter() - before[0]
        busy[1] += time.thread_time() - before[1]
        return values

    streaming.Pieces, streaming.read_pieces = Recording, partial(read_and_tell, told)  # type: ignore[assignment]
    embedder.launch = watched
    given = ({"uctransnet": chosen}, ReadSettings(), None, None, (), kept)
    found = streaming.stream_cases([[r] for r in rows], given, readers, lambda n: None, print, limit)
    clock, cpu = time.perf_counter() - Recording.first[0], time.process_time() - Recording.first[1]
    embedder.launch = real
    spent = sum(map(float, told.read_text().split())) / readers
    numbers = (clock, spent, busy[0], busy[1], cpu - busy[1], Recording.last.most_bytes, limit)
    return [result for batch in found for result in batch], Timed(way, len(rows), readers, *numbers)


def describe_first(rows: list[CaseRow], kept: Path) -> None:
    """Keep what is said of the cases (and their pictures for the report), which is no part of what is timed here."""
    from prldh.data.imaging.compute import compute_cases

    compute_cases({}, ReadSettings(), None, None, (), kept, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda", "mps"])
    parser.add_argument("--cases", type=int, help="default 24 on a CPU, 400 elsewhere")
    parser.add_argument("--readers", type=int, help="default 1 on a CPU, one a core elsewhere")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--slices", default="largest", choices=["largest", "all"])
    parser.add_argument("--limit-mb", type=float, default=1.0, help="of the queue")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checkpoint = folder / "net.pt"
        save_checkpoint(checkpoint, {"state_dict": make_network(arguments.seed).state_dict()})
        given = {"device": arguments.device, "precision": arguments.precision, "slices": arguments.slices}
        settings = Settings(checkpoint=str(checkpoint), size=SIZE, readers=1, **given)
        embedder = source_module._embedder_of(settings)
        is_cpu = embedder.device.type == "cpu"
        readers = arguments.readers or (1 if is_cpu else os.cpu_count() or 1)
        settings = settings.model_copy(update={"readers": readers})
        torch.set_num_threads(1)
        n, limit = arguments.cases or (24 if is_cpu else 400), int(arguments.limit_mb * 1024**2)
        rows = write_cases(folder, n, arguments.seed)
        source = UCTransNetSource()
        describe_first(rows, folder / "about")
        chosen = ChosenSource.of(source, settings, folder)
        start = time.perf_counter()
        crops = [c for row in rows for c in source.prepare(load_case(row, ReadSettings()), settings)]
        reading = time.perf_counter() - start
        print(f"{embedder.about}; {len(crops)} pictures of {n} cases; reading {1e3 * reading / n:.1f} ms a case")
        parts = [crops[i : i + embedder.batch] for i in range(0, len(crops), embedder.batch)]
        alone = np.concatenate([embedder.launch(part, SIZE).cpu().numpy() for part in parts])

        def stand_in(some: list[Any], size: int) -> torch.Tensor:
            time.sleep(reading / len(crops) * len(some))
            return torch.zeros(len(some), 512)

        kept = [_copy(folder / "about", folder / name) for name in "ab"]
        results, first = run("the network", embedder, embedder.launch, rows, chosen, kept[0], readers, limit)
        timed = [first]
        values = np.concatenate([r.values["uctransnet"][0].images for r in results])
        change = float(np.abs(values - alone).max() / np.abs(alone).max())
        single = np.concatenate([pictures_of(load_case(r, ReadSettings()), 0, settings) for r in rows[:4]])
        made = pictures_on(embedder.device, crops[: len(single)], SIZE).cpu().numpy()
        if is_cpu:
            embedder.batch = 1
            way = "a stand-in as slow as reading"
            timed.append(run(way, embedder, stand_in, rows, chosen, kept[1], 1, limit)[1])
        for t in timed:
            print(
                f"{t.way}, {t.readers} reader(s): reading {t.reading:.2f} s, computing {t.computing:.2f} s, together"
                f" {t.together:.2f} s, {t.share:.2f} of both added up; reading adds {t.added:.1%} to computing"
                + (f" ({t.cpu_added:.1%} in CPU)" if t.cpu_added else "")
                + f"; {t.pictures_per_second:.1f} pictures/s; at most {t.most_bytes / 1024**2:.2f} MB waited (limit"
                f" {t.limit / 1024**2:.2f} MB, largest rectangle {max(c.nbytes for c in crops) / 1024**2:.2f} MB)"
            )
        worst = float(np.abs(made - single).max())
        print(f"values: largest difference from each batch alone {change:.1e} of the largest; pictures {worst:.1e}")
        if arguments.json:
            content = {
                "about": embedder.about,
                "timed": [asdict(t) | {k: getattr(t, k) for k in RATIOS} for t in timed],
                "largest_change_of_values": change,
                "largest_change_of_pictures": worst,
            }
            arguments.json.write_text(json.dumps(content, indent=2))


def _copy(source: Path, to: Path) -> Path:
    """A folder of what is kept, with what is said of the cases alone."""
    import shutil

    return Path(shutil.copytree(source, to))


if __name__ == "__main__":
    main()
