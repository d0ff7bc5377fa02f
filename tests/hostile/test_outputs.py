"""Where commands write: nothing of somebody else's, of the run or of the study is replaced, two runs do not meet in one
folder, what killed runs left goes, and what cannot be printed is no traceback."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from small_run import write_blank

import prldh.report.figures as figures
from prldh.checklists.writing import FORMATS, MARKS
from prldh.cli import cli
from prldh.core import OutputError, check_target, hold, whole_file, write_whole
from prldh.pages import save_dateless
from prldh.run import claim_output, place_whole

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX")


@pytest.fixture
def run(made, tmp_path):
    return shutil.copytree(made[0], tmp_path / "run")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def refused(*arguments: object) -> str:
    done = CliRunner().invoke(cli, [str(a) for a in arguments])
    assert done.exit_code == 1 and isinstance(done.exception, SystemExit), done.output
    return done.output


# ---------------------------------------------------------------- --out


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_files_of_a_run_are_never_replaced(run, made, force):
    before = contents(run)
    for name in ("results.json", "model.json", "tables/models.csv", "external/New/external.json"):
        told = refused("checklist", run, "--standard", "clear", "--out", run / name, "--format", "json", *force)
        assert "is a file of the run or of its study" in told
    assert "is a file of the run" in refused("compare", run, made[0], "--out", run / "results.json", *force)
    assert contents(run) == before


@posix
def test_what_is_no_ordinary_file_is_never_replaced(run, made, tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "target.json").write_text("mine")
    (tmp_path / "link.json").symlink_to(tmp_path / "target.json")
    (tmp_path / "dangling.json").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder.json").mkdir()
    kinds = {"pipe": "a device", "link": "a link", "dangling": "a link", "folder": "a folder"}
    for name, kind in kinds.items():
        with pytest.raises(OutputError, match=f"--out .* is {kind}"):
            check_target(tmp_path / f"{name}.json", "--out", force=True)
    for place in ("/dev/null", "/dev/full", "/dev/zero"):
        with pytest.raises(OutputError, match="is a device"):
            check_target(Path(place), "--out", force=True)
    with pytest.raises(OutputError, match="cannot be written"):
        check_target(tmp_path / ("a" * 300), "--out", force=True)
    for command in (
        ("checklist", run, "--standard", "clear", "--format", "json"),
        ("compare", run, made[0]),
        ("plan", made[0].parent / "study.yaml"),
    ):
        assert "is a link" in refused(*command, "--force", "--out", tmp_path / "dangling.json")
    assert not (tmp_path / "nowhere").exists() and (tmp_path / "target.json").read_text() == "mine"


def test_a_file_of_somebody_elses_is_replaced_with_force_alone(run, made, tmp_path):
    pytest.importorskip("docx")
    commands = [["checklist", str(run), "--standard", "metrics", "--format", f] for f in ("html", "docx")]
    for command in [*commands, ["compare", str(run), str(made[0])]]:
        out = tmp_path / f"{command[0]}.{command[-1] if command[0] == 'checklist' else 'csv'}"
        out.write_text("mine, not prldh's")
        given = [*command, "--out", str(out)]
        assert "--force" in refused(*given) and out.read_text() == "mine, not prldh's"
        assert CliRunner().invoke(cli, [*given, "--force"]).exit_code == 0
        again = CliRunner().invoke(cli, given)  # its own
        assert again.exit_code == 0, again.output


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_of_a_checklist_is_known_again(made, tmp_path, form):
    path = tmp_path / f"clear.{form}"
    path.write_bytes((made[0] / "checklists" / path.name).read_bytes())
    check_target(path, "--out", marks=MARKS)
    path.write_bytes(b"mine")
    with pytest.raises(OutputError, match="--force"):
        check_target(path, "--out", marks=MARKS)


def test_inputs_are_never_replaced(made, tmp_path):
    folder = shutil.copytree(made[0].parent, tmp_path / "study")
    before = contents(folder)
    for name in ("study.yaml", "clinical.csv", "features.csv"):
        assert "of its study" in refused("plan", folder / "study.yaml", "--out", folder / name, "--force")
    assert contents(folder) == before


def test_new_files_of_init_and_plugins_follow_no_link(tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "study.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    (tmp_path / "prldh-mine").symlink_to(tmp_path / "elsewhere")
    assert "exists already" in refused("init", tmp_path / "new")
    assert "exists already" in refused("plugins", "new", "prldh-mine", "--in", tmp_path)
    assert not list(tmp_path.glob("elsewhere*"))


def test_a_demo_replaces_no_data_of_somebody_elses(tmp_path):
    (tmp_path / "published_input").mkdir()
    (tmp_path / "published_input" / "study.yaml").write_text("mine")
    assert "not this demo's" in refused("demo", "--out", tmp_path)
    assert (tmp_path / "published_input" / "study.yaml").read_text() == "mine"


def test_figures_of_other_formats_stay(run, monkeypatch):
    monkeypatch.setattr(figures, "_write_all", write_blank)
    for form in ("svg", "pdf", "png", "tiff"):
        done = CliRunner().invoke(cli, ["report", str(run), "--jobs", "1", "--figures", form])
        assert done.exit_code == 0, done.output
    (run / "figures" / "mine.txt").write_text("mine")
    assert CliRunner().invoke(cli, ["report", str(run), "--jobs", "1", "--figures", "png"]).exit_code == 0
    assert {p.name for p in (run / "figures").glob("flow*")} == {f"flow.{f}" for f in ("svg", "pdf", "png", "tiff")}
    assert (run / "figures" / "mine.txt").read_text() == "mine"


# ---------------------------------------------------------------- one run at a time


@posix
@pytest.mark.parametrize("is_there", [False, True])
def test_a_second_run_into_one_folder_is_refused_at_its_start(tmp_path, is_there):
    out = tmp_path / "out"
    if is_there:
        place_whole(out, lambda folder: (folder / "results.json").write_text("{}"))
    with claim_output(out, force=True) as held:
        with pytest.raises(OutputError, match="another run is writing to"), claim_output(out, force=True):
            pass
        held.place(lambda folder: (folder / "results.json").write_text("[]"))
    assert [p.name for p in tmp_path.iterdir()] == ["out"] and [p.name for p in out.iterdir()] == ["results.json"]
    assert (out / "results.json").read_text() == "[]"


HOLDS = """
import sys, time
from pathlib import Path
from prldh.run import claim_output
with claim_output(Path(sys.argv[1]), force=True) as held:
    (held.partial / "half").write_text("half")
    print("held", flush=True)
    time.sleep(600)
"""


@posix
@pytest.mark.parametrize("is_there", [False, True])
def test_a_killed_run_holds_nothing_and_what_it_left_goes(tmp_path, is_there):
    out, other = tmp_path / "out", tmp_path / "other"
    if is_there:
        place_whole(out, lambda folder: (folder / "results.json").write_text("{}"))
    with subprocess.Popen([sys.executable, "-c", HOLDS, out], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout.readline() == "held\n"
        with pytest.raises(OutputError, match="another run"), claim_output(out, force=True):
            pass
        place_whole(other, lambda folder: (folder / "x").write_text(""))  # takes nothing from a run that goes on
        assert list(tmp_path.rglob("half"))
        running.send_signal(signal.SIGKILL)
    with claim_output(out, force=True):
        assert not list(tmp_path.rglob("half"))
    assert not list(tmp_path.rglob("*.partial"))


@posix
@pytest.mark.parametrize("n_moves", range(8))
def test_a_kill_in_the_exchange_loses_neither_results(tmp_path, monkeypatch, n_moves):
    """Killed after any number of moves: the next run that holds the folder finds the former results or the new ones,
    whole."""
    out, names = tmp_path / "out", ("results.json", "model.json", "tables")

    def write(text):
        def fill(folder):
            (folder / "tables").mkdir()
            for name in ("results.json", "model.json", "tables/a.csv"):
                (folder / name).write_text(text)

        return fill

    place_whole(out, write("old"))
    child = os.fork()
    if not child:
        moves, replace = iter(range(n_moves)), os.replace

        def dying(*places):
            if next(moves, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            replace(*places)

        monkeypatch.setattr(os, "replace", dying)
        place_whole(out, write("new"))
        os._exit(0)
    os.waitpid(child, 0)
    with claim_output(out, force=True):
        found = {(out / name).read_text() for name in ("results.json", "model.json", "tables/a.csv")}
    assert len(found) == 1 and found == ({"old"} if n_moves < 3 else {"new"}), n_moves
    assert sorted(p.name for p in out.iterdir()) == sorted(names)


@posix
def test_a_scratch_file_of_a_killed_process_is_written_over(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(KeyboardInterrupt), whole_file(path) as scratch:
        left = scratch
        raise KeyboardInterrupt
    left.write_text("of a killed process")
    with whole_file(path) as scratch:
        assert scratch == left and scratch.read_bytes() == b""
        write_whole(path, b"another, meanwhile")
        scratch.write_text("whole")
    assert path.read_text() == "whole" and [p.name for p in tmp_path.iterdir()] == ["a.txt"]


@posix
@pytest.mark.parametrize(("umask", "file", "folder"), [(0o077, 0o600, 0o700), (0o002, 0o664, 0o775)])
def test_the_users_umask_is_kept(tmp_path, umask, file, folder):
    before = os.umask(umask)
    try:
        write_whole(tmp_path / "a", b"")
        place_whole(tmp_path / "out", lambda partial: (partial / "b").write_text(""))
    finally:
        os.umask(before)
    modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("a", "out/b", "out")]
    assert modes == [file, file, folder]


# ---------------------------------------------------------------- clocks and streams


def test_a_clock_before_1980(monkeypatch):
    docx = pytest.importorskip("docx")
    monkeypatch.setattr(time, "time", lambda: 0.0)
    written = io.BytesIO()
    save_dateless(docx.Document(), written)
    with zipfile.ZipFile(written) as file:
        assert file.testzip() is None and {entry.date_time[0] for entry in file.infolist()} == {2000}
    docx.Document(io.BytesIO(written.getvalue()))


@posix
@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("prldh --help >/dev/full", "what is printed cannot be written: No space left on device"),
        ("prldh --help >&-", "standard output is closed"),
        ("prldh --help >&- 2>&-", ""),
        ("prldh nonsense 2>/dev/full", ""),
        ("prldh --help | head -0", ""),
        ("ulimit -n 8; prldh --help", "may open 8 files at once"),
    ],
)
def test_what_cannot_be_printed_or_opened_is_no_traceback(command, told):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    script = f'set -o pipefail; prldh() {{ "{sys.executable}" -m prldh "$@"; }}; {command}'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode in (1, 2) and "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
    assert told in done.stderr


def test_an_input_that_is_removed_while_a_run_reads_it_is_named(tmp_path):
    """And not the output, which could be written; what is lacking within the output is told as before."""
    for name, told in (
        ("clinical.csv", "clinical.csv is not there any more, which this run reads"),
        ("out/x", "output"),
    ):

        def write(folder, name=name):
            (tmp_path / name).read_bytes()

        with pytest.raises(OutputError, match=told), hold(tmp_path / "out") as held:
            held.place(write)
        assert not list(tmp_path.iterdir())
