"""What all tests share: one thread, no display, R where it is usable, and the data that lie beside the checkout."""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before NumPy is imported
os.environ.setdefault("MPLBACKEND", "Agg")

import contextlib  # noqa: E402
import functools  # noqa: E402
import gc  # noqa: E402
import hashlib  # noqa: E402
import signal  # noqa: E402
import subprocess  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from pathlib import Path  # noqa: E402

import hypothesis  # noqa: E402
import pytest  # noqa: E402
from chromium import browser  # noqa: E402

__all__ = ["browser"]  # one for all tests of a process: two would want the same event loop

# a suite in the background of a shell is deaf to SIGINT, and so would be whatever it starts
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# CI tries the same examples every time; elsewhere they vary
hypothesis.settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")

CRAN_PACKAGES = ("ResourceSelection", "rmda")
#: The files that take longest, which start first: a worker that met one last would go on alone for minutes.
LONGEST = (
    "hostile/test_hostile.py",
    "end_to_end/test_reproduce.py",
    "end_to_end/test_demo.py",
    "browser/test_report.py",
    "end_to_end/test_extract.py",
    "contract/test_conformance.py",
    "end_to_end/test_docs_run.py",
    "browser/test_calculator.py",
    "end_to_end/test_readme.py",
    "end_to_end/test_resume.py",
    "end_to_end/test_dask.py",
    "r/test_r_package.py",
    "end_to_end/test_real_tables.py",
    "end_to_end/test_wheel.py",
    "contract/test_hostile_plugins.py",
    "end_to_end/test_apply.py",
    "end_to_end/test_degenerate_studies.py",
    "uctransnet/test_uctransnet_library.py",
    "uctransnet/test_uctransnet_network.py",
    "end_to_end/test_by_model.py",
    "end_to_end/test_bad_input.py",
    "hostile/test_faults.py",
    "end_to_end/test_clustered_hospitals.py",
    "end_to_end/test_spread_refits.py",
    "browser/test_images_page.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, in that order; the others as they are found."""

    def place(item: pytest.Item) -> int:
        name = "/".join(item.path.parts[-2:])
        return LONGEST.index(name) if name in LONGEST else len(LONGEST)

    items.sort(key=place)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests marked ``r`` need R, and ``r_packages(...)`` R packages, and fail without where CI is set; ``cran`` are
    packages of CRAN alone (``cran(...)``: others than :data:`CRAN_PACKAGES`)."""
    if item.get_closest_marker("r"):
        from prldh.engines.r_home import r_available

        usable, reason = r_available()
        if not usable:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"R is not usable: {reason}")
    wanted = item.get_closest_marker("r_packages")
    if wanted and (missing := _missing_packages(wanted.args)):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"R packages are not installed: {', '.join(missing)}")
    cran = item.get_closest_marker("cran")
    if cran and (missing := _missing_packages(cran.args or CRAN_PACKAGES)):
        pytest.skip(f"R packages that only CRAN has are not installed: {', '.join(missing)}")


@functools.lru_cache(maxsize=8)
def _missing_packages(wanted: tuple[str, ...]) -> tuple[str, ...]:
    script = 'for (p in commandArgs(TRUE)) if (!nzchar(system.file(package = p))) cat(p, "\\n")'
    try:
        done = subprocess.run(
            ["Rscript", "-e", script, *wanted], capture_output=True, text=True, timeout=900, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return wanted
    return tuple(done.stdout.split())


def pytest_terminal_summary(terminalreporter) -> None:
    """What tests recorded for whoever reads the end of the run, such as how far the engines are apart over the demo."""
    told = dict.fromkeys(
        text
        for report in terminalreporter.stats.get("passed", [])
        for key, text in report.user_properties
        if key == "told"
    )
    for text in told:
        terminalreporter.write_line(text)


@pytest.fixture(scope="module", autouse=True)
def _light_collections() -> Iterator[None]:
    """What modules leave behind (compiled kernels, libraries) is walked by no later garbage collection; hypothesis asks
    for many."""
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _kept_apart(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No test finds what another, or the user, left in the cache: some change the program under the results."""
    monkeypatch.setenv(
        "PRLDH_CACHE",
        str(tmp_path_factory.getbasetemp() / "kept" / hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:16]),
    )


@pytest.fixture
def new_workers() -> None:
    """Worker processes are started anew: those of a test before have its environment and its standard error."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True, kill_workers=True)


@pytest.fixture(scope="module")
def undrawn() -> Iterator[None]:
    """Figures are not drawn, and their files blank; for tests that do not look at them."""
    from blank import blank_figures  # which imports the report, and few tests need it

    with blank_figures():
        yield


@pytest.fixture(scope="module")
def unwritten() -> Iterator[None]:
    """Figures are drawn, and their files blank; for tests of data that a drawing might not survive."""
    from blank import blank_figures, draw_and_write_blank

    with blank_figures(draw_and_write_blank):
        yield


@pytest.fixture(scope="module")
def unrepeated() -> Iterator[None]:
    """Strangers' steps are not refitted once more by a process that is started for it, which takes as long as all else
    of a small analysis. For tests that are not of that; contract/test_hostile_plugins.py is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("prldh.pipeline.repeat_elsewhere", lambda plan: ())
        yield


@pytest.fixture(scope="session")
def warm_prldh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """``prldh`` as a command that costs no start of Python; its figures are blank. test_demo.py, test_wheel.py and
    others start it as it is."""
    from warm import warm_command

    with warm_command(tmp_path_factory.mktemp("warm")) as place:
        yield place / "prldh"


#: What R packages bring that may not lie here, as CSV by name.
FROM_R = """
out <- commandArgs(TRUE)[1]
write <- function(table, name) {
  table[] <- lapply(table, function(column) if (is.numeric(column)) sprintf("%.17g", column) else as.character(column))
  write.csv(table, file.path(out, name), row.names = FALSE, quote = FALSE)
}
has <- function(package) nzchar(system.file(package = package))
if (has("pROC")) { data(aSAH, package = "pROC"); write(aSAH, "aSAH.csv") }
if (has("glmnet")) {
  found <- new.env()
  data(BinomialExample, package = "glmnet", envir = found)
  example <- if (exists("BinomialExample", found)) found$BinomialExample else found   # older ones bring x and y
  columns <- c("y", paste0("x", seq_len(ncol(example$x))))
  write(setNames(data.frame(example$y, example$x), columns), "binomial_example.csv")
}
if (has("logistf")) { data(sex2, package = "logistf"); write(sex2, "sex2.csv") }
"""


class Data(type(Path())):  # type: ignore[misc]
    """A path of the data; a test that asks for what is not there is skipped."""

    def __truediv__(self, name: str) -> Data:
        found = super().__truediv__(name)
        if not found.exists():
            pytest.skip("they read ../shared, which is not here")
        return found


@pytest.fixture(scope="session")
def shared_data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """Public data: those beside the checkout, or else what may lie in it (``tests/data``) and what R packages bring."""
    here = Path(__file__).parent
    beside = here.parents[1] / "shared" / "data"
    if beside.is_dir():
        return Data(beside)
    folder = tmp_path_factory.mktemp("public") / "data"
    (folder / "tables").mkdir(parents=True)
    for own in (here / "data").iterdir():
        (folder / own.name).symlink_to(own)
    (folder / "r_golden").symlink_to(here / "golden" / "data")
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        subprocess.run(["Rscript", "-e", FROM_R, folder / "tables"], capture_output=True, timeout=900)
    return Data(folder)
