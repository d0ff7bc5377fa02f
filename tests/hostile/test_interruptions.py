"""An interruption at any moment: one line, the exit status that shells have for it, and results that are whole or not
there. Moments are counted, not timed: a real signal is sent at the n-th call of a Python function, so that every place
is reached, on a machine of any speed."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from small_run import write_blank

import prldh.cli
import prldh.report.figures as figures
from prldh.core import PrldhError, interruptions
from prldh.core.folders import hold

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="a moment is tried in a fork of the warm process"),
    pytest.mark.ci,
]
STATUS = 128 + signal.SIGINT
#: When all is done: of a signal that comes too late, and of one that ends the process at once.
ENDED = (0, -signal.SIGINT)
#: So many calls before its last one a command has done its work, at the earliest.
END = 40
#: Within so many first ones the program begins to hear of other signals than Ctrl-C.
BEGINNING = 60
#: By so many the calls of one command differ from time to time.
SLACK = 300


def interrupted_at(moment: int, number: int = signal.SIGINT) -> Callable[[], list[int]]:
    """Let a signal come at that call of a Python function; what is returned tells the calls so far."""
    calls = [0]

    def count(frame: object, event: str, _: object) -> None:
        if event == "call":
            calls[0] += 1
            if calls[0] == moment:
                sys.setprofile(None)
                signal.raise_signal(number)

    sys.setprofile(count)
    return lambda: calls


def command(folder: Path, arguments: tuple[str, ...], moment: int, number: int = signal.SIGINT) -> tuple[int, str, int]:
    """``prldh`` in a fork, interrupted at a moment (0: at none): exit status, what it said, calls of functions."""
    said, told = folder / "said", folder / "calls"
    told.unlink(missing_ok=True)
    child = os.fork()
    if not child:
        status, calls = 70, lambda: [0]
        try:
            os.setsid()
            os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            sys.stdout, sys.stderr = (open(k, "w", closefd=False) for k in (1, 2))
            for each in interruptions.ASKING:  # whoever runs the tests may ignore one, as nohup does
                signal.signal(each, signal.default_int_handler if each == signal.SIGINT else signal.SIG_DFL)
            interruptions._placed.clear()  # a new process has written nothing
            sys.argv = ["prldh", *arguments]
            from prldh.__main__ import main

            calls = interrupted_at(moment, number)
            main()
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            import traceback

            os.write(2, traceback.format_exc().encode())
        finally:
            sys.setprofile(None)
            sys.stderr.flush()
            told.write_text(str(calls()[0]))
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, said.read_text(errors="replace"), int(told.read_text()) if told.exists() else 0


def one_line(said: str) -> str:
    """The line that tells of an interruption, the only one that is no progress."""
    lines = [line for line in said.splitlines() if line.startswith("prldh: ")]
    assert len(lines) == 1 and lines[0].startswith("prldh: interrupted; nothing was left half written."), said
    assert "Traceback" not in said and "Aborted" not in said and "ignored" not in said, said
    return lines[0]


@pytest.fixture
def place(made, tmp_path, monkeypatch):
    """A study with a finished run, in the working directory."""
    folder = shutil.copytree(made[0].parent, tmp_path / "work")
    shutil.rmtree(folder / "run" / "external")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(figures, "_write_all", write_blank)
    monkeypatch.setattr("prldh.apply.apply.write_external_figures", lambda *a, **k: None)
    return folder


def moments(calls: int, n: int) -> Iterator[int]:
    """So many of a command's beginning, of its middle, and of its end; the first is the call of ``main`` itself."""
    yield from range(2, n + 2)
    yield from random.Random(n).sample(range(n + 2, calls - n), n)
    yield from range(calls - n, calls)


def try_moments(folder: Path, arguments: tuple[str, ...], n: int) -> None:
    """A command that writes nothing: interrupted until it has done its work, and well from then on."""
    status, said, calls = command(folder, arguments, 0)
    assert status == 0, said
    is_done = False
    for moment in moments(calls, n):
        status, said, _ = command(folder, arguments, moment)
        is_done = is_done or (status in ENDED and moment > calls - END)
        assert status in ENDED if is_done else status == STATUS, (moment, calls, status, said)
        assert (said == "") if is_done else one_line(said)
    assert is_done


def test_an_interruption_at_any_moment_is_one_line_and_its_status(tmp_path):
    try_moments(tmp_path, ("schema", "study"), 12)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("schema", "study"), ("plugins", "list"), ("analyze", "nowhere", "--out", "x")])
def test_an_interruption_at_hundreds_of_moments_is_one_line_and_its_status(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    if arguments[0] != "analyze":
        try_moments(tmp_path, arguments, 150)
        return
    _, _, calls = command(tmp_path, arguments, 0)  # which ends with a message of its own
    for moment in moments(calls, 100):
        status, said, _ = command(tmp_path, arguments, moment)
        if "not found" in said and status == -signal.SIGINT:  # it has said what there was to say, and ends
            continue
        assert status in (1, STATUS) and "Traceback" not in said and "Aborted" not in said, (moment, status, said)


APPLY = ("apply", "run", "cohort.yaml", "--jobs", "1")


def apply_at(place: Path, moment: int, calls: int, number: int = signal.SIGINT) -> bool:
    """Interrupt ``apply`` at a moment; whether its results stand, which are whole then, and said to be."""
    shutil.rmtree(place / "run" / "external", ignore_errors=True)
    status, said, _ = command(place, APPLY, moment, number)
    out = place / "run" / "external" / "New"
    if status in (0, -number) and moment > calls - SLACK:  # it had done its work
        assert "interrupted" not in said and out.exists()
        return True
    if status == -number and moment < BEGINNING:
        assert number != signal.SIGINT and not said and not out.exists()
        return False
    assert status == 128 + number, (moment, status, said)
    line = one_line(said)
    assert ("What was written before it is whole: " in line) == out.exists(), (moment, line)
    if out.exists():
        assert str(out.parent) in line and json.loads((out / "external.json").read_text())["models"]
    with hold(out.parent):  # where the clearing away itself was interrupted, the next run does it
        pass
    assert not [str(p) for pattern in (".prldh-*", ".partial-*") for p in place.rglob(pattern)]
    return out.exists()


def test_an_interrupted_apply_says_whether_its_results_stand(place):
    """Nothing before they are in place, all of it after; the status is the same. Where they are put there is found by
    halving: a dozen moments, ever nearer to it."""
    status, said, calls = command(place, APPLY, 0)
    assert status == 0, said
    before, after = 1, calls
    while after - before > 20:
        middle = (before + after) // 2
        before, after = (before, middle) if apply_at(place, middle, calls) else (middle, after)
    assert calls // 2 < before and after < calls - SLACK


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_apply_interrupted_at_any_moment_says_whether_its_results_stand(place, number):
    _, _, calls = command(place, APPLY, 0)
    tried = [apply_at(place, moment, calls, number) for moment in moments(calls, 40)]
    assert 0 < sum(tried) < len(tried)


#: Sends the signal at the n-th call of a function, from the first line of Python's own start of the program on.
STARTED = """
import runpy, signal, sys, threading
calls, moment = 0, int(sys.argv.pop(1))
def count(frame, event, _):
    global calls
    if event == "call":
        calls += 1
        if calls == moment:
            sys.setprofile(None)
            signal.raise_signal(signal.SIGINT)
import atexit
atexit.register(lambda: print(calls, file=sys.stderr))
import prldh.__main__
sys.setprofile(count)
prldh.__main__.main()
"""


def started(moment: int, *arguments: str) -> tuple[int, str, int]:
    """The program in a process of its own, whose end is the interpreter's."""
    done = subprocess.run(
        [sys.executable, "-c", STARTED, str(moment), *arguments], capture_output=True, text=True, timeout=300
    )
    *said, calls = done.stderr.splitlines()
    return done.returncode, "\n".join(said), int(calls)


def test_an_interruption_while_it_is_imported_is_one_too():
    for moment in (50, 20_000):
        status, said, _ = started(moment, "schema", "study")
        assert status == STATUS, (moment, said)
        one_line(said)


#: A plugin that never ends: its hook, its thread, or compiled code that hears nothing of Python.
HANGING = {
    "hook": "import atexit, time; atexit.register(lambda: (hangs(), time.sleep(300)))",
    "thread": "import threading, time; threading.Thread(target=lambda: (over.wait(), hangs(), time.sleep(99))).start()",
    "compiled": "import atexit, ctypes; atexit.register(lambda: (hangs(), ctypes.PyDLL(None).sleep(300)))",
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("hanging", HANGING)
@pytest.mark.parametrize("is_interrupted", [False, True])
def test_what_hangs_in_the_end_of_the_interpreter_is_ended(tmp_path, hanging, number, is_interrupted):
    """When all is done, and after an interruption; what was printed stays, and nothing is said in addition."""
    if is_interrupted and hanging != "hook":
        pytest.skip("once is enough")
    stop = "import prldh.results; prldh.results.schema_of = lambda _: signal.raise_signal(signal.SIGINT)"
    code = (
        "import os, signal, sys, threading; over = threading.Event()\n"
        "def hangs(): os.write(1, b'hangs\\n')\n"
        f"{HANGING[hanging]}\n"
        "import prldh.cli; from prldh.__main__ import main; sys.argv[1:] = ['schema', 'study']\n"
        f"{stop if is_interrupted else ''}\n"
        "try: main()\nfinally: sys.stdout.flush(); over.set()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        printed = list(itertools.takewhile(lambda line: line != "hangs\n", running.stdout))
        running.send_signal(number)
        said = running.communicate(timeout=60)[1]
    assert running.returncode == -number, said
    if is_interrupted:
        one_line(said)
    else:
        assert not said and json.loads("".join(printed))


def test_what_is_ignored_stays_so_in_the_end(hearing):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    interruptions.end_at_once()
    kinds = {number: signal.getsignal(number) for number in interruptions.ASKING}
    assert kinds.pop(signal.SIGHUP) == signal.SIG_IGN and set(kinds.values()) == {signal.SIG_DFL}


# ---------------------------------------------------------------- what is named


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        (("calculator", "run", "--model", "Disc", "--out", "x.html"), "x.html"),
        (("compare", "run", "other", "--out", "x.json"), "x.json"),
        (("checklist", "run", "--standard", "clear", "--out", "x.html"), "x.html"),
        (("plan", "study.yaml", "--out", "x.json"), "x.json"),
    ],
)
def test_a_file_that_was_written_is_named(hearing, place, monkeypatch, arguments, written):
    """The interruption comes once it stands: as the command goes on to print."""
    from click.testing import CliRunner

    own = interruptions.results_stand
    shutil.copytree("run", "other")

    def noted(out):
        own(out)
        if Path(out).name == written:
            assert Path(out).stat().st_size
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("prldh.core.files.results_stand", noted)
    told = CliRunner().invoke(prldh.cli.cli, list(arguments))
    assert told.exit_code == STATUS, told.output
    assert one_line(told.stderr).endswith(f"What was written before it is whole: {written}.")
    assert (place / written).exists() and not [*place.glob(".partial-*")]


def test_a_report_is_replaced_whole_and_named(hearing, place, monkeypatch):
    """An interruption amid its files waits until the last one is in its place."""
    replace, seen, asked = os.replace, [], []

    def interrupted(scratch, path):
        replace(scratch, path)
        if Path(path).parent.name == "figures" and not asked:
            asked.append(path)
            signal.raise_signal(signal.SIGTERM)
        seen.append(Path(path).name)

    monkeypatch.setattr("prldh.report.page.os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prldh.report.render("run", jobs=1)
    assert seen[-1] == "report.html" and len(seen) > 10
    assert str((place / "run").name) in interruptions.interruption_told()
    assert interruptions.status_when_interrupted() == 128 + signal.SIGTERM


#: Figures that take long, in this process and in those that help, which say so by a file.
DRAWING = """
import os, sys, time
from collections import deque
from pathlib import Path
from types import SimpleNamespace
import prldh.report.figures as figures
from prldh.core import end_tidily, interruption_told, status_when_interrupted
def slowly(path, name):
    Path(HERE, f"draws-{name}").touch()
    time.sleep(300)
HERE, figures._write_of = sys.argv[1], slowly
if __name__ == "__main__":
    end_tidily()
    waiting = deque(SimpleNamespace(name=str(k)) for k in range(20))
    try:
        with figures._others_write(waiting, [], (), int(sys.argv[2]), lambda n: None):
            time.sleep(300)
    except KeyboardInterrupt as stop:
        print(f"prldh: {interruption_told(stop)}", file=sys.stderr)
        sys.exit(status_when_interrupted())
"""


@pytest.mark.parametrize("jobs", [2, 3])
def test_ctrl_c_of_a_terminal_while_others_draw_is_one_line(tmp_path, jobs):
    """It reaches the workers too."""
    with subprocess.Popen(
        [sys.executable, "-c", DRAWING, str(tmp_path), str(jobs)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        try:
            while len([*tmp_path.glob("draws-*")]) < jobs - 1 and running.poll() is None:
                time.sleep(0.05)
            os.killpg(running.pid, signal.SIGINT)
            said = running.communicate(timeout=120)[1]
        finally:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
    assert running.returncode == STATUS, said
    assert said.count("\n") == 1 and one_line(said)


# ---------------------------------------------------------------- how


@pytest.fixture
def hearing(monkeypatch):
    """The signals of a command, and nothing of it kept."""
    monkeypatch.setattr(interruptions, "_asked", [])
    monkeypatch.setattr(interruptions, "_placed", [])
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    before = {number: signal.getsignal(number) for number in interruptions.ASKING}
    for number in before:
        signal.signal(number, signal.SIG_DFL)
    interruptions.end_tidily()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_change_of_names_is_not_interrupted(hearing):
    done = []
    with pytest.raises(KeyboardInterrupt), interruptions.uninterrupted():
        signal.raise_signal(signal.SIGTERM)
        done.append("whole")
    assert done == ["whole"] and interruptions.status_when_interrupted() == 128 + signal.SIGTERM


def test_an_interruption_that_was_lost_comes_again(hearing):
    """In a finaliser nothing can be raised: Python prints what came there, and goes on."""

    class Left:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    interruptions.end_tidily()  # pytest sets a hook of its own for each phase of a test
    with pytest.raises(KeyboardInterrupt):
        del Left().__dict__
        for _ in range(3000):
            threading.Event().wait(0.01)
    assert interruptions.was_interrupted()


def test_a_copy_of_the_process_ends_as_any_other():
    """A pool of a plugin's ends its processes by a signal: each told of an interruption, with a traceback."""
    code = (
        "import os, signal, time; from prldh.core import end_tidily, was_interrupted; end_tidily()\n"
        "child = os.fork()\n"
        "if not child: time.sleep(60), os._exit(7)\n"
        "os.kill(child, signal.SIGTERM)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), was_interrupted(), flush=True)\n"
        "signal.raise_signal(signal.SIGTERM)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stdout == f"{-signal.SIGTERM} False\n"
    assert done.stderr.count("Traceback") == 1 and done.stderr.endswith("KeyboardInterrupt\n")  # this process hears it


def test_a_second_one_ends_it_at_once():
    code = (
        "import signal; from prldh.core import end_tidily; end_tidily()\n"
        "try: signal.raise_signal(signal.SIGINT)\n"
        "except KeyboardInterrupt: signal.raise_signal(signal.SIGINT)\n"
        "print('went on')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == -signal.SIGINT and not done.stdout and not done.stderr


def test_what_is_ignored_stays_ignored(hearing):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    interruptions.end_tidily()
    signal.raise_signal(signal.SIGHUP)
    assert not interruptions.was_interrupted()


def test_no_means_aborted_and_is_no_interruption(monkeypatch, capsys):
    """A plugin's command may ask a question."""
    import click

    @click.group(cls=prldh.cli.PrldhGroup)
    def group() -> None: ...

    @group.command()
    def ask() -> None:
        raise click.Abort

    with pytest.raises(SystemExit) as end:
        group(["ask"])
    assert end.value.code == 1 and capsys.readouterr().err == "Aborted!\n"


@pytest.mark.parametrize("is_interrupted", [True, False])
@pytest.mark.parametrize("error", [RuntimeError("trying to pop from empty mode stack"), PrldhError("it failed")])
def test_what_a_library_raises_while_one_passes_through_it_is_one_line(hearing, capsys, error, is_interrupted):
    """What was half entered or half left cannot be left, and says so; without a signal the error is what it is."""
    import click

    @click.group(cls=prldh.cli.PrldhGroup)
    def group() -> None: ...

    @group.command()
    def run() -> None:
        try:
            if is_interrupted:
                signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise error from None
        raise error

    interruptions.end_tidily()
    with pytest.raises(SystemExit if is_interrupted or isinstance(error, PrldhError) else RuntimeError) as end:
        group(["run"])
    if is_interrupted:
        assert end.value.code == STATUS
        one_line(capsys.readouterr().err)
    elif isinstance(error, PrldhError):
        assert end.value.code == 1 and capsys.readouterr().err == "prldh: it failed\n"
