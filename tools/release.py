"""``make release``: everything of a release but the upload, into ``dist/``.

    python tools/release.py [--rehearse]

Checks a clean tree, one version everywhere, a dated section of CHANGELOG.md and URLs that are filled in; builds sdists
and wheels of prldh and both plugins twice and compares them byte by byte; ``twine check``; installs the wheel in an
empty environment, where a report is rendered; writes SHA256SUMS and the conda recipe for the sdist. ``--rehearse``
tells what would stop a release and goes on. What a release alone needs has an environment of its own, build/release.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
PROJECTS = (".", "plugins/prldh-pyradiomics", "plugins/prldh-uctransnet")
PLACEHOLDER = "example.org/"
#: Where the version stands: the first is the place, the others are held to it.
VERSIONS = {
    "prldh/__init__.py": r'^__version__ = "(.+)"$',
    "CITATION.cff": r"^version: (\S+)$",
    "r/DESCRIPTION": r"^Version: (\S+)$",
    "packaging/conda/recipe.yaml": r"^  version: (\S+)$",
    "plugins/prldh-pyradiomics/prldh_pyradiomics/__init__.py": r'^__version__ = "(.+)"$',
    "plugins/prldh-uctransnet/prldh_uctransnet/__init__.py": r'^__version__ = "(.+)"$',
}


def versions(root: Path = ROOT) -> dict[str, str]:
    """File → the version that it names."""
    found = {}
    for name, pattern in VERSIONS.items():
        match = re.search(pattern, (root / name).read_text(encoding="utf-8"), re.M)
        found[name] = match[1] if match else "none"
    return found


def what_stops(root: Path = ROOT) -> Iterator[str]:
    """What keeps a release from being made, each with what to do."""
    done = subprocess.run(["git", "status", "--porcelain"], cwd=root, capture_output=True, text=True)
    if done.returncode or done.stdout.strip():
        yield f"the tree is not clean: {(done.stdout or done.stderr).split(chr(10))[0].strip()}. Commit everything."
    version, *others = versions(root).items()
    for name, other in others:
        if other != version[1]:
            yield f"{name} names version {other}, {version[0]} {version[1]}. Make them one."
    head = re.search(r"^## (.+)$", (root / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    if not head or not re.fullmatch(re.escape(version[1]) + r" \(\d{4}-\d{2}-\d{2}\)", head[1]):
        found = head[1] if head else "nothing"
        yield f"CHANGELOG.md begins with '{found}'. Call the section '{version[1]} (YYYY-MM-DD)'."
    urls = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    if any(PLACEHOLDER in url for url in urls.values()):
        yield "pyproject.toml, [project.urls] holds placeholders. Fill in the project's addresses."


def build(out: Path, root: Path = ROOT) -> list[Path]:
    """Build sdist and wheel of every project, from a copy of what git holds or would; returns the files by name.
    The time that is written into them is ``SOURCE_DATE_EPOCH``, or that of the last commit."""
    when = (
        os.environ.get("SOURCE_DATE_EPOCH")
        or subprocess.run(
            ["git", "log", "-1", "--format=%ct"], cwd=root, check=True, capture_output=True, text=True
        ).stdout.strip()
    )
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
    ).stdout
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as copy:
        for name in listed.decode().split("\0"):
            if name and (root / name).is_file():
                (Path(copy) / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(root / name, Path(copy) / name)
        command = [sys.executable, "-m", "hatchling", "build", "-d", str(out.resolve())]
        environment = os.environ | {"SOURCE_DATE_EPOCH": when}
        at_once = [
            subprocess.Popen(command, cwd=Path(copy) / project, env=environment, stdout=subprocess.DEVNULL)
            for project in PROJECTS
        ]
        for project, status in zip(PROJECTS, [process.wait() for process in at_once], strict=True):
            if status:
                raise SystemExit(f"release: the build of {project} failed. Its messages stand above.")
    return sorted(path for path in out.iterdir() if path.name.endswith((".whl", ".tar.gz")))


def sums(files: list[Path]) -> str:
    """SHA-256 and name of each file, as ``sha256sum --check`` reads them."""
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)


def recipe_for(sdist: Path, root: Path = ROOT) -> str:
    """The conda recipe with the sdist as its source, in place of the checkout."""
    text = (root / "packaging" / "conda" / "recipe.yaml").read_text(encoding="utf-8")
    found = hashlib.sha256(sdist.read_bytes()).hexdigest()
    homepage = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Homepage"]
    text = text.replace("  path: ../..\n", f"  path: {sdist.name}\n  sha256: {found}\n")
    return text.replace("about:\n", f"about:\n  homepage: {homepage}\n")


def _say(text: str) -> None:
    print(f"release: {text}", flush=True)


def _twine() -> Path:
    """The python of an environment with twine, made on first use."""
    home = ROOT / "build" / "release"
    python = home / "bin" / "python"
    if not (home / "bin" / "twine").exists():
        _say("making build/release, an environment with twine")
        venv.create(home, with_pip=True)
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "twine>=6"], check=True
        )
    return python


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Everything of a release but the upload, into dist/.")
    parser.add_argument("--rehearse", action="store_true", help="tell what would stop a release, and go on")
    is_rehearsal = parser.parse_args(arguments).rehearse
    stops = list(what_stops())
    for stop in stops:
        _say(("would stop: " if is_rehearsal else "stopped: ") + stop)
    if stops and not is_rehearsal:
        return 1
    shutil.rmtree(DIST, ignore_errors=True)
    files = build(DIST)
    with tempfile.TemporaryDirectory() as second:
        again = build(Path(second))
        if sums(files) != sums(again):
            _say("stopped: two builds differ. Find what depends on time or place.")
            return 1
    _say(f"built twice, byte by byte the same: {', '.join(path.name for path in files)}")
    subprocess.run([_twine(), "-m", "twine", "check", "--strict", *files], check=True)
    wheel = next(path for path in files if re.match(r"prldh-\d.*\.whl$", path.name))
    _say("installing the wheel in an empty environment, and rendering a report there")
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/end_to_end/test_wheel.py"],
        cwd=ROOT,
        env=os.environ | {"PRLDH_WHEEL": str(wheel)},
        check=True,
    )
    sdist = next(path for path in files if re.match(r"prldh-\d.*\.tar\.gz$", path.name))
    (DIST / "recipe.yaml").write_text(recipe_for(sdist), encoding="utf-8")
    (DIST / "SHA256SUMS").write_text(sums([*files, DIST / "recipe.yaml"]), encoding="utf-8")
    _say("dist/ holds the release, SHA256SUMS and recipe.yaml. What is left is the upload, and a tag:")
    _say(f"  git tag v{versions()['prldh/__init__.py']} && build/release/bin/twine upload dist/*.whl dist/*.tar.gz")
    return 0


if __name__ == "__main__":
    sys.exit(main())
