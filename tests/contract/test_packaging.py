"""What a release is made of says one thing: versions, addresses, dependencies, citation, images, templates."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import prldh

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RECIPE = yaml.safe_load((ROOT / "packaging" / "conda" / "recipe.yaml").read_text(encoding="utf-8"))
#: What conda-forge calls otherwise.
CONDA = {"matplotlib": "matplotlib-base", "SimpleITK": "simpleitk"}


def _load(name: str):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


release = _load("release")


def test_the_version_is_one():
    assert set(release.versions().values()) == {prldh.__version__}
    head = re.search(r"^## (\S+) \((unreleased|\d{4}-\d{2}-\d{2})\)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert head[1] == prldh.__version__


def test_the_citation_names_this_version_and_the_study():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(cited["version"]) == prldh.__version__ and cited["license"] == PROJECT["license"]
    assert cited["cff-version"] == "1.2.0" and {"message", "title", "authors"} <= set(cited)
    assert cited["authors"] == [{"name": author["name"]} for author in PROJECT["authors"]]
    assert cited["references"][0]["doi"] in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_projects_addresses_stand_in_one_place():
    """No other file holds them, placeholders or not."""
    addresses = [url.encode() for url in PROJECT["urls"].values()]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    files = [ROOT / name for name in listed.decode().split("\0") if name not in ("", "pyproject.toml")]
    texts = {path: path.read_bytes() for path in files if path.is_file()}
    assert len(texts) > 500
    assert not [path for path, text in texts.items() if any(address in text for address in addresses)]


def test_the_recipe_asks_for_what_the_project_asks_for():
    def named(texts):
        found = [Requirement(text) for text in texts]
        return {(CONDA.get(r.name, r.name), str(r.specifier)) for r in found}

    run = {tuple((line + " ").split(" ")[:2]) for line in RECIPE["requirements"]["run"]}
    assert run == named(PROJECT["dependencies"]) | {("python", PROJECT["requires-python"])}
    optional = sum((PROJECT["optional-dependencies"][extra] for extra in ("r", "dask", "shap", "images")), [])
    assert {tuple(line.split(" ")) for line in RECIPE["requirements"]["run_constraints"]} == named(optional)
    assert RECIPE["context"]["version"] == prldh.__version__ and RECIPE["about"]["summary"] == PROJECT["description"]
    assert RECIPE["about"]["license_file"] == PROJECT["license-files"]
    assert RECIPE["build"]["python"]["entry_points"] == [f"{k} = {v}" for k, v in PROJECT["scripts"].items()]


def test_the_recipe_of_a_release_names_the_sdist_and_its_hash(tmp_path):
    sdist = tmp_path / "prldh-0.1.0.tar.gz"
    sdist.write_bytes(b"x")
    recipe = yaml.safe_load(release.recipe_for(sdist))
    assert recipe["source"] == {"path": sdist.name, "sha256": release.sums([sdist]).split()[0]}
    assert recipe["about"]["homepage"] == PROJECT["urls"]["Homepage"]


def test_both_images_run_one_script():
    call = "/src/packaging/install.sh /src /opt/prldh"
    docker = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    apptainer = (ROOT / "packaging" / "prldh.def").read_text(encoding="utf-8")
    assert call in docker and call in apptainer
    base = re.search(r"^FROM (\S+)$", docker, re.M)[1]
    assert re.search(r"^From: (\S+)$", apptainer, re.M)[1] == base
    sections = re.findall(r"^%(\w+)", apptainer, re.M)
    assert {"files", "post", "environment", "runscript", "test"} <= set(sections)
    script = ROOT / "packaging" / "install.sh"
    subprocess.run(["sh", "-n", script], check=True)
    assert script.stat().st_mode & 0o111
    setup = (ROOT / "tools" / "setup.sh").read_text(encoding="utf-8")
    for package in ("r-base-core", "r-cran-proc", "r-cran-glmnet"):
        assert package in setup and package in script.read_text(encoding="utf-8")


def test_the_pythons_are_those_that_nox_runs():
    named = {c.split(" :: ")[-1] for c in PROJECT["classifiers"] if "Python :: 3." in c}
    assert named == {"3.11", "3.12", "3.13"} and f">={min(named)}" == PROJECT["requires-python"]
    assert '"Python :: 3." in line' in (ROOT / "noxfile.py").read_text(encoding="utf-8")


def test_templates_ask_for_what_mends_a_bug():
    folder = ROOT / ".github" / "ISSUE_TEMPLATE"
    for path in sorted(folder.glob("*.yml")):
        form = yaml.safe_load(path.read_text(encoding="utf-8"))
        if path.stem == "config":
            continue
        assert {"name", "description", "body"} <= set(form)
        ids = [part["id"] for part in form["body"] if part["type"] != "markdown"]
        assert len(ids) == len(set(ids)) and all("label" in p["attributes"] for p in form["body"] if "id" in p)
    assert "doctor" in (folder / "bug.yml").read_text() and "patients' data" in (folder / "bug.yml").read_text()
    assert "CHANGELOG.md" in (ROOT / ".github" / "pull_request_template.md").read_text()
    assert "maintainers" in (ROOT / "CODE_OF_CONDUCT.md").read_text()


@pytest.fixture
def checkout(tmp_path):
    """A small project that a release can be made of."""
    for name in (*release.VERSIONS, "CHANGELOG.md", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text(
        re.sub(r"^## .+$", f"## {prldh.__version__} (2026-12-01)", changelog.read_text(), count=1, flags=re.M)
    )
    project = tmp_path / "pyproject.toml"
    project.write_text(project.read_text().replace(release.PLACEHOLDER, "prldh.invalid/"))
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    _commit(tmp_path)
    return tmp_path


def _commit(folder: Path) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
    subprocess.run(["git", *who, "commit", "-qm", "x", "--no-verify"], cwd=folder, check=True)


def test_a_tree_that_is_ready_is_not_stopped(checkout):
    assert list(release.what_stops(checkout)) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("CHANGELOG.md", "(2026-12-01)", "(unreleased)", "YYYY-MM-DD"),
        ("CITATION.cff", f"version: {prldh.__version__}\n", "version: 9.9\n", "CITATION.cff names version 9.9"),
        ("pyproject.toml", "prldh.invalid/", "example.org/", "placeholders"),
    ],
)
def test_what_is_not_ready_stops_a_release(checkout, file, old, new, told):
    text = (checkout / file).read_text()
    assert old in text
    (checkout / file).write_text(text.replace(old, new))
    assert any("not clean" in stop for stop in release.what_stops(checkout))
    _commit(checkout)
    (stop,) = release.what_stops(checkout)
    assert told in stop
