"""What is brought: versions with hashes within the ranges, licences of everything, rpy2 optional, an SBOM."""

from __future__ import annotations

import importlib.util
import json
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECTS = [
    tomllib.loads(f.read_text())["project"] for f in (ROOT / "pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml"))
]
OURS = {p["name"] for p in PROJECTS}
LINE = re.compile(r"([A-Za-z0-9._-]+)==(\S+) --hash=sha256:[0-9a-f]{64}")


def _requirements() -> list[Requirement]:
    texts = [t for p in PROJECTS for t in [*p["dependencies"], *sum(p.get("optional-dependencies", {}).values(), [])]]
    return [r for r in map(Requirement, texts) if r.name.split("[")[0] not in OURS]


def test_constraints_lie_within_the_ranges_and_carry_hashes():
    lines = [x for x in (ROOT / "constraints.txt").read_text().splitlines() if not x.startswith("#")]
    held = {}
    for line in lines:
        found = LINE.fullmatch(line)
        assert found, line
        held[canonicalize_name(found[1])] = found[2]
    for wanted in _requirements():
        if wanted.name == "torch":
            continue  # its builds have indexes of their own: the head of the file names the version
        assert wanted.specifier.contains(held[canonicalize_name(wanted.name)], prereleases=True), wanted
    assert "pip install torch==2.13.0 " in (ROOT / "constraints.txt").read_text()


def test_every_requirement_has_a_licence_on_the_page():
    page = (ROOT / "docs" / "licences.md").read_text()
    rows = dict(re.findall(r"^\| ([A-Za-z0-9._-]+) \| (.+) \|$", page, re.M))
    listed = {canonicalize_name(name) for name in rows}
    assert {canonicalize_name(r.name) for r in _requirements()} <= listed
    assert not [name for name, licence in rows.items() if licence in ("not stated", "UNKNOWN", "")]


def test_what_is_gpl_is_optional():
    """Nothing that prldh itself needs is under the GPL; rpy2 comes with an extra, and the page says so."""
    page = (ROOT / "docs" / "licences.md").read_text()
    sections = dict(re.findall(r"^## (.+)\n\n((?:\|.*\n)+)", page, re.M))
    for title in ("prldh", "prldh[images]", "prldh[dask]", "prldh-pyradiomics", "prldh-uctransnet"):
        assert not re.search(r"(?<!L)GPL|General Public License(?! v\d \(L)", sections[title].replace("LGPL", "")), (
            title
        )
    assert "| rpy2 | " in sections["prldh[r]"]
    core = next(p for p in PROJECTS if p["name"] == "prldh")
    assert not any(text.startswith("rpy2") for text in core["dependencies"])


def test_the_table_of_licences_is_as_the_tool_writes_it():
    spec = importlib.util.spec_from_file_location("supply_chain", ROOT / "tools" / "supply_chain.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert {"numpy", "pluggy", "pydantic"} <= set(tool.needed_by("prldh", ()))
    assert "rpy2" not in tool.needed_by("prldh", ("images", "dask"))
    for name, found in tool.needed_by("prldh", ()).items():
        assert tool.licence_of(found) != "not stated", name


#: A few of the files, small ones: of the core, of pictures and of tables.
SOME = {"click", "jinja2", "pluggy", "typing_extensions", "python-docx"}


@pytest.mark.slow
@pytest.mark.skipif(
    (sys.platform, platform.machine(), sys.version_info[:2]) != ("linux", "x86_64", (3, 11)),
    reason="the hashes are those of CPython 3.11's files on Linux, x86-64",
)
def test_the_hashes_are_those_of_the_files_that_pip_takes(tmp_path):
    """As the head of the file says, for some of it; another hash is refused."""
    lines = [x for x in (ROOT / "constraints.txt").read_text().splitlines() if x.split("==")[0].lower() in SOME]
    assert len(lines) == len(SOME)

    def download(some: list[str]) -> subprocess.CompletedProcess[str]:
        (tmp_path / "some.txt").write_text("\n".join(some))
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--no-deps", "--require-hashes"]
        return subprocess.run(
            [*pip, "-r", "some.txt", "-d", "files"], cwd=tmp_path, capture_output=True, text=True, timeout=600
        )

    done = download(lines)
    if done.returncode and "HASHES" not in done.stderr and "from versions: none" in done.stderr:
        pytest.skip("no index can be reached")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "files").iterdir())) == len(SOME)
    name, hashed = lines[0].split(" --hash=sha256:")
    shutil.rmtree(tmp_path / "files")
    done = download([f"{name} --hash=sha256:{'0' * 64}"])
    assert done.returncode and "DO NOT MATCH THE HASHES" in done.stderr


@pytest.mark.slow
def test_an_sbom_is_made(tmp_path):
    if not shutil.which("make"):
        pytest.skip("make is not here")
    subprocess.run(["make", "sbom"], cwd=ROOT, check=True, timeout=900)
    found = json.loads((ROOT / "sbom.cdx.json").read_text())
    assert found["bomFormat"] == "CycloneDX"
    components = {c["name"].lower(): c for c in found["components"]}
    assert components["numpy"]["licenses"] and components["numpy"]["version"]
    needed = {canonicalize_name(Requirement(text).name) for text in PROJECTS[0]["dependencies"]}
    assert needed <= {canonicalize_name(name) for name in components}
