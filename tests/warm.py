"""``prldh`` on the command line, without its start: a process that has imported everything forks for each command.

What is run is the command's own ``main`` in a process of its own, in the folder, environment and streams of whoever
called it; modules are found where they were when the first process started. A fork costs milliseconds where a start of
Python and its libraries costs seconds. Figures are written blank, as with the fixture ``undrawn``.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import select
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

#: In the place of ``prldh``: hands over what it was called with and its streams, and ends as the command ended. Plain
#: Python without its site, which starts in a hundredth of a second.
CLIENT = """import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as to:
    to.connect({address!r})
    asked = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(to, [len(asked).to_bytes(8, "big")], [0, 1, 2])
    to.sendall(asked)
    told = b""
    while part := to.recv(99):
        told += part
sys.exit(int(told) if told else 70)
"""


@contextlib.contextmanager
def warm_command(folder: Path) -> Iterator[Path]:
    """A folder with the command ``prldh``, which works until the context ends."""
    short = tempfile.mkdtemp(prefix="warm-")  # a socket's path has a hundred characters at most
    address, client, command = Path(short, "s"), folder / "client.py", folder / "prldh"
    folder.mkdir(parents=True, exist_ok=True)
    client.write_text(CLIENT.format(address=str(address)))
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -ISE {shlex.quote(str(client))} "$@"\n')
    command.chmod(0o755)
    with subprocess.Popen(
        [sys.executable, __file__, str(address)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        try:
            assert server.stdout is not None and server.stdout.readline() == b"ready\n"
            yield folder
        finally:
            server.kill()
            shutil.rmtree(short)


def _import_all() -> None:
    """Every module of prldh, and what it imports where it needs it."""
    import prldh

    for found in pkgutil.walk_packages(prldh.__path__, "prldh."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    for name in ("matplotlib.pyplot", "pandas", "scipy.stats", "sklearn.svm", "numba"):
        importlib.import_module(name)


def _called(address: str) -> tuple[socket.socket, list[str]]:
    """Forks for each call, and returns in the children alone: to whom to tell the exit status, and the arguments."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    print("ready", flush=True)
    while True:
        if sys.stdin.fileno() in select.select([listener, sys.stdin], [], [])[0]:
            os._exit(0)  # who started this is gone
        caller, _ = listener.accept()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:  # those that have ended
                pass
        if os.fork():
            caller.close()
            continue
        listener.close()
        head, streams, _, _ = socket.recv_fds(caller, 8, 3)
        body = b""
        while len(body) < int.from_bytes(head, "big"):
            part = caller.recv(1 << 16)
            if not part:  # who called is gone
                os._exit(1)
            body += part
        arguments, folder, environment = json.loads(body)
        for target, stream in enumerate(streams):
            os.dup2(stream, target)
            os.close(stream)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        with contextlib.suppress(ValueError):
            sys.path.remove(str(Path(__file__).parent))  # which is no part of the command
        return caller, arguments


def _serve(address: str) -> None:
    from blank import blank_figures

    _import_all()
    caller, arguments = _called(address)
    sys.argv = ["prldh", *arguments]
    code = 1  # of a command that ended by an error of its own
    try:
        from prldh.cli import main

        with blank_figures():
            main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    finally:
        caller.sendall(str(code).encode())  # which ends when this process has, and its workers with it


if __name__ == "__main__":
    _serve(sys.argv[1])
