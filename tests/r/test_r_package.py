"""The R package: its own tests, its exports and pages, and R CMD check."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.r

PACKAGE = Path(__file__).parents[2] / "r"
FOR_R_USERS = {"prldh_roc", "prldh_calibration", "prldh_dca", "prldh_validate", "read_run"}

RUN_TESTS = """
testthat::test_dir(commandArgs(TRUE), package = "prldh", load_package = "installed",
                   reporter = testthat::CheckReporter$new(), stop_on_failure = TRUE)
"""

# What --as-cran asks CRAN for, as from a CRAN that has nothing: no test may need the network
EMPTY_CRAN = """
place <- commandArgs(TRUE)
for (folder in c("web/packages", "src/contrib")) dir.create(file.path(place, folder), recursive = TRUE)
invisible(file.create(file.path(place, "src/contrib/PACKAGES")))
columns <- c("Package", "Version", "Priority", "Depends", "Imports", "LinkingTo", "Suggests", "Enhances", "Maintainer",
             "License", "Title", "Published")
nothing <- matrix(character(0), 0, length(columns), dimnames = list(NULL, columns))
saveRDS(nothing, file.path(place, "web/packages/packages.rds"))
"""


@pytest.mark.ci
def test_testthat(tmp_path, run_r, r_library):
    script = tmp_path / "run.R"
    script.write_text(RUN_TESTS)
    told = run_r("Rscript", script, PACKAGE / "tests" / "testthat", cwd=tmp_path, R_LIBS=str(r_library))
    assert "FAIL 0" in told and "SKIP 0" in told, told


def _exports() -> set[str]:
    lines = (PACKAGE / "NAMESPACE").read_text().splitlines()
    return {line[7:-1] for line in lines if line.startswith("export(")}


def test_what_r_users_call_is_all_that_is_exported():
    assert _exports() == FOR_R_USERS


def test_every_internal_page_is_that_of_a_file():
    files = {path.stem for path in (PACKAGE / "R").glob("*.R")}
    pages = {path.stem: path.read_text() for path in (PACKAGE / "man").glob("*.Rd")}
    internal = {name for name, text in pages.items() if r"\keyword{internal}" in text}
    assert internal <= files and FOR_R_USERS <= set(pages) - internal
    assert set(pages) - internal - FOR_R_USERS == {"as.data.frame.prldh_result", "prldh-package"}


def test_pages_have_the_arguments_of_their_functions(tmp_path, run_r):
    told = run_r("Rscript", "-e", "print(tools::codoc(dir = commandArgs(TRUE)))", PACKAGE, cwd=tmp_path)
    assert told.strip() == "", told


def test_the_reference_of_the_site_groups_every_page_of_r_users():
    listed = set(re.findall(r"^ {6}- (\S+)$", (PACKAGE / "_pkgdown.yml").read_text(), flags=re.MULTILINE))
    pages = {p.stem for p in (PACKAGE / "man").glob("*.Rd") if r"\keyword{internal}" not in p.read_text()}
    articles = {p.stem for p in (PACKAGE / "vignettes").glob("*.Rmd")}
    assert listed == (pages - {"prldh-package"}) | articles


@pytest.mark.slow  # the next asks for all of this and more, and is slow too; the tests above are of `make test`
def test_r_cmd_check(tmp_path, run_r):
    run_r("R", "CMD", "build", "--no-build-vignettes", PACKAGE, cwd=tmp_path)
    (archive,) = tmp_path.glob("prldh_*.tar.gz")
    # its tests ran above; its vignette is built below
    told = run_r(
        "R",
        "CMD",
        "check",
        "--no-manual",
        "--no-tests",
        "--ignore-vignettes",
        archive,
        cwd=tmp_path,
        _R_CHECK_FORCE_SUGGESTS_="false",
    )
    status = [line for line in told.splitlines() if line.startswith("Status:")]
    assert status and "ERROR" not in status[0] and "WARNING" not in status[0], told


@pytest.mark.slow
def test_r_cmd_check_as_cran_has_only_the_notes_that_the_page_lists(tmp_path, run_r):
    """Vignette and tests included; where pandoc is missing the vignette is left out, which is no error."""
    has_pandoc = shutil.which("pandoc") is not None
    run_r("R", "CMD", "build", *([] if has_pandoc else ["--no-build-vignettes"]), PACKAGE, cwd=tmp_path)
    (archive,) = tmp_path.glob("prldh_*.tar.gz")
    (tmp_path / "cran.R").write_text(EMPTY_CRAN)
    cran = tmp_path / "cran"
    run_r("Rscript", "cran.R", cran, cwd=tmp_path)
    (tmp_path / "profile.R").write_text(f'options(repos = c(CRAN = "file://{cran}"))\n')
    environment = {
        "R_PROFILE_USER": str(tmp_path / "profile.R"),
        "R_CRAN_WEB": f"file://{cran}",
        "R_CRAN_SRC": f"file://{cran}",
        "_R_CHECK_FORCE_SUGGESTS_": "false",
        "_R_CHECK_CRAN_INCOMING_REMOTE_": "false",
        "_R_CHECK_SYSTEM_CLOCK_": "0",
    }
    flags = [] if has_pandoc else ["--ignore-vignettes"]
    told = run_r("R", "CMD", "check", "--as-cran", "--no-manual", *flags, archive, cwd=tmp_path, **environment)
    warned = re.findall(r"^.*\bWARNING\n.*", told, flags=re.MULTILINE)
    if shutil.which("qpdf") is None:  # the check would compress PDFs by it; the package has none
        warned = [warning for warning in warned if "qpdf" not in warning]
    assert not warned and "ERROR" not in told, told
    listed = (Path(__file__).parents[2] / "docs" / "r.md").read_text()
    notes = re.findall(r"^\* checking (.+?) \.\.\. (?:\[.*\] )?NOTE", told, flags=re.MULTILINE)
    for note in notes:
        assert f"`{note}`" in listed, (note, told)
