"""The wheel is part of the product: built, installed in an empty environment, it renders a report there."""

from __future__ import annotations

import email
import importlib.util
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

pytestmark = pytest.mark.ci

ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("release", ROOT / "tools" / "release.py")
release = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(release)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Sdists and wheels of prldh and both plugins, from a copy of the checkout's files."""
    return release.build(tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def wheel(request):
    """prldh's wheel: the release's own where `make release` names it."""
    if given := os.environ.get("PRLDH_WHEEL"):
        return Path(given)
    return next(f for f in request.getfixturevalue("built") if re.match(r"prldh-\d.*\.whl$", f.name))


def test_the_wheel_holds_templates_r_code_and_the_demo_table(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "prldh/_templates/report.html.j2",
        "prldh/_templates/analysis.R.j2",
        "prldh/_templates/style.css",
        "prldh/_r/R/auc.R",
        "prldh/demo/published_cohort.csv",
        "prldh/checklists/data/clear.yaml",
        "prldh/ibsi/data/ibsi_features.csv",
        "prldh/pages/arimo/Arimo-Regular.ttf",
        "prldh/pages/arimo/OFL.txt",
    ):
        assert name in names, name
    assert not [n for n in names if n.startswith(("tests/", "prldh/tests"))]


def test_two_builds_are_the_same_bytes(built, tmp_path, monkeypatch):
    """Whatever the folder, the time, and the rights that files get."""
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    before = os.umask(0o077)
    try:
        again = release.build(tmp_path)
    finally:
        os.umask(before)
    names = ["prldh", "prldh_pyradiomics", "prldh_uctransnet"]
    assert [f.name.split("-")[0] for f in built] == [n for n in names for _ in range(2)]
    assert release.sums(built) == release.sums(again)


def _metadata(file):
    with zipfile.ZipFile(file) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith("/METADATA"))
        return email.message_from_bytes(archive.read(name))


def test_the_extra_of_the_plugins_and_their_own_requirement_agree(built):
    """`prldh[plugins]` asks for the plugins, and they for prldh: each range holds the other's version."""
    found = {m["Name"]: m for m in (_metadata(f) for f in built if f.suffix == ".whl")}
    core = found.pop("prldh")
    assert {"images", "r", "dask", "plugins"} <= set(core.get_all("Provides-Extra"))
    asked = [Requirement(text) for text in core.get_all("Requires-Dist")]
    asked = {r.name: r for r in asked if r.marker and r.marker.evaluate({"extra": "plugins"})}
    asked = {name: r for name, r in asked.items() if name in found}
    assert set(asked) == set(found) == {"prldh-pyradiomics", "prldh-uctransnet"}
    for name, about in found.items():
        assert asked[name].specifier.contains(about["Version"])
        (back,) = [r for r in map(Requirement, about.get_all("Requires-Dist")) if r.name == "prldh"]
        assert back.specifier.contains(core["Version"])


def test_the_sdist_builds_the_same_wheel(built, tmp_path):
    sdist = next(f for f in built if re.match(r"prldh-\d.*\.tar\.gz$", f.name))
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    for name in ("CITATION.cff", "CHANGELOG.md", "LICENSE", "tests/conftest.py", "r/DESCRIPTION"):
        assert (folder / name).is_file(), name
    with zipfile.ZipFile(next(f for f in built if re.match(r"prldh-\d.*\.whl$", f.name))) as archive:
        for name in archive.namelist():
            if name.startswith("prldh/") and not name.startswith(("prldh/_r/", "prldh/_templates/")):
                assert (folder / name).read_bytes() == archive.read(name), name


def _analyze_with_the_wheel(environment: Path, folder: Path, **variables: str) -> str:
    """A study is analysed and its report rendered again by the wheel of an environment; returns the line that doctor
    says would add what R needs."""
    table = ["patient,outcome,score,age"] + [
        f"P{i},{'yes' if i % 3 == 0 else 'no'},{(i % 3 == 0) * 1.5 + (i * 37 % 17) / 6},{40 + i * 13 % 40}"
        for i in range(60)
    ]
    (folder / "table.csv").write_text("\n".join(table) + "\n")
    (folder / "study.yaml").write_text(
        "clinical: {table: table.csv, id: patient, outcome: outcome, event: yes, covariates: {age: continuous}}\n"
        "tissues: {lesion: {radscore: score}}\nvalidation: {leave_one_out: false, folds: 5, bootstrap: 20}\n"
        "report: {figures: [svg]}\n"
    )

    def run(*arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [environment / "bin" / "prldh", *arguments],
            cwd=folder,
            env=_clean() | variables,
            capture_output=True,
            text=True,
        )

    done = run("analyze", "study.yaml", "--out", "out")
    assert done.returncode == 0, done.stderr
    html = (folder / "out" / "report.html").read_text()
    assert "<svg" in html and "Lesion Radscore" in html
    results = json.loads((folder / "out" / "results.json").read_text())
    assert results["engines"]["reported"] == "python"  # the wheel does not force rpy2: R is said to be missing
    assert any("R was asked for" in w["message"] for w in results["warnings"])
    done = run("report", "out")
    assert done.returncode == 0, done.stderr
    assert (folder / "out" / "reproduce" / "analysis.R").exists()
    done = run("doctor")
    assert "missing  R" in done.stdout and "rpy2" in done.stdout
    return re.search(r"pip install (\S*rpy2.*?)(?:`|$)", done.stdout, re.M)[1]


def _clean() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}


def _required(wheel: Path) -> set[str]:
    """Distributions that the wheel asks for, without extras, and those that these ask for."""
    found: set[str] = set()
    wanted = [Requirement(text) for text in _metadata(wheel).get_all("Requires-Dist")]
    while wanted:
        one = wanted.pop()
        name = canonicalize_name(one.name)
        if name not in found and (one.marker is None or one.marker.evaluate({"extra": ""})):
            found.add(name)
            wanted += map(Requirement, metadata.distribution(one.name).requires or ())
    return found


def test_it_renders_a_report_where_only_what_it_asks_for_is_installed(wheel, tmp_path):
    """Libraries are those of this environment, as links, and no others; the next test has pip fetch them. What numba
    would compile is run as Python."""
    if importlib.util.find_spec("pip") is None:
        pytest.skip("this environment has no pip to install the wheel by")
    required = _required(wheel)
    unlisted = [name for name in sorted(required) if not metadata.distribution(name).files]
    if unlisted:
        pytest.skip(f"what belongs to {', '.join(unlisted)} is not listed here (no RECORD)")
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = environment / "bin" / "python"
    (place,) = environment.glob("lib/python*/site-packages")
    for name in required:
        one = metadata.distribution(name)
        for top in {file.parts[0] for file in one.files} - {"..", "__pycache__"}:
            if not (place / top).exists():  # some share a folder
                (place / top).symlink_to(one.locate_file(top))
    own = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*own, "--no-index", "--no-deps", str(wheel)], check=True, cwd=tmp_path, env=_clean())
    told = subprocess.run([python, "-c", "import rpy2"], env=_clean(), capture_output=True, text=True)
    assert "No module named 'rpy2'" in told.stderr  # an extra: nothing but what is asked for is here
    assert _analyze_with_the_wheel(environment, tmp_path, NUMBA_DISABLE_JIT="1")


@pytest.mark.slow
@pytest.mark.r
def test_it_renders_a_report_in_an_empty_environment(wheel, tmp_path):
    """Everything by pip, compiled there; and the line that doctor gives brings R."""
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / "bin" / "python"
    quiet = ["--quiet", "--disable-pip-version-check", "--timeout", "20", "--retries", "10"]
    without = ["--no-compile"]  # of libraries, most of whose modules nothing here imports
    subprocess.run(
        [python, "-m", "pip", "install", *quiet, *without, str(wheel)], check=True, cwd=tmp_path, env=_clean()
    )
    line = _analyze_with_the_wheel(environment, tmp_path)
    subprocess.run(
        f"{python} -m pip install --quiet --no-compile --disable-pip-version-check {line}",
        shell=True,
        check=True,
        cwd=tmp_path,
        env={**_clean(), "RPY2_CFFI_MODE": "ABI"},
    )
    command = [environment / "bin" / "prldh", "analyze", "study.yaml", "--out", "both", "--engine", "r"]
    done = subprocess.run(command, cwd=tmp_path, env=_clean(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "both" / "results.json").read_text())["engines"]["reported"] == "r"


@pytest.mark.slow
def test_the_lines_of_the_install_page_run(built, tmp_path):
    """As they stand, with the tools that they name, from the built wheels."""
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    lines = [line for block in re.findall(r"```sh\n(.*?)```", page, re.S) for line in block.splitlines()]
    assert [line.split()[0] for line in lines] == ["pipx", "prldh", "python", "uvx", "pipx"]
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "tools"], check=True)
    python = tmp_path / "tools" / "bin" / "python"
    quiet = ["install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([python, "-m", "pip", *quiet, "pipx", "uv"]).returncode:
        pytest.skip("pipx and uv cannot be installed here")
    wheels = str(built[0].parent)
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    clean |= {
        "PATH": os.pathsep.join([str(python.parent), str(tmp_path / "bin"), "/usr/bin", "/bin"]),
        "PIPX_HOME": str(tmp_path / "pipx"),
        "PIPX_BIN_DIR": str(tmp_path / "bin"),
        "PIP_FIND_LINKS": f"{wheels} {clean.get('PIP_FIND_LINKS', '')}".strip(),
        "UV_FIND_LINKS": wheels,
        "UV_CACHE_DIR": str(tmp_path / "uv"),
        "UV_PYTHON": sys.executable,
    }
    for line in lines:
        done = subprocess.run(line, shell=True, cwd=tmp_path, env=clean, capture_output=True, text=True)
        is_well = done.returncode == 0 or (line == "prldh doctor" and "prldh" in done.stdout)  # R may be missing
        assert is_well, (line, done.stdout, done.stderr)
    assert (tmp_path / "try" / "images" / "study.yaml").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["twine", "cffconvert"])
def test_what_judges_a_release_passes_it(built, tmp_path, tool):
    subprocess.run([sys.executable, "-m", "venv", tmp_path / tool], check=True)
    home = tmp_path / tool / "bin"
    if subprocess.run([home / "python", "-m", "pip", "install", "--quiet", tool]).returncode:
        pytest.skip(f"{tool} cannot be installed here")
    judged = {"twine": ["check", "--strict", *built], "cffconvert": ["--validate", "-i", ROOT / "CITATION.cff"]}
    done = subprocess.run([home / tool, *judged[tool]], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
