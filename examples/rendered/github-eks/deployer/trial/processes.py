"""The processes of a trial: started together, watched, and stopped together."""

import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from deployer.errors import UserError
from deployer.trial.lifeline import adopt_orphans, die_with_parent

# Seconds: the hub stops students' servers first, and a server its kernels.
STOP = 20
# In the command of every process of a trial.
OURS = ("jupyterhub", "configurable-http-proxy", "/z2jh-template/trial/")


def find_command(pid: int) -> str:
    """Return the command line of a process; empty if there is none."""
    shown = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True)
    return shown.stdout.strip()


def end_process(pid: int, seconds: float) -> None:
    """End a process group: by SIGTERM, and by SIGKILL what is still there after so many seconds."""
    for number, wait in ((signal.SIGTERM, seconds), (signal.SIGKILL, 5)):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, number)
        end = time.monotonic() + wait
        while time.monotonic() < end:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            try:
                os.killpg(pid, 0)
            except (ProcessLookupError, PermissionError):
                return
            time.sleep(0.1)


@dataclass
class Trial:
    """The folder of a trial, .try/, and what runs in it."""

    folder: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    lock: IO[str] | None = None

    @property
    def notes(self) -> Path:
        """The folder with a file for each process, by which the next trial finds what a killed one has left."""
        return self.folder / "run"

    def claim(self) -> None:
        """Take the folder for this process. Raises UserError where another trial has it."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        lock = (self.folder / "lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            found = json.loads(lock.read() or "{}")
            lock.close()
            raise UserError(
                f"A trial of this repository runs already, at {found.get('link', 'an address that it prints soon')} "
                f"(process {found.get('pid', 'unknown')}). Open it there, or stop it by Ctrl-C in its terminal"
            ) from None
        self.lock = lock
        adopt_orphans()
        self.announce("an address that it prints soon")
        self.notes.mkdir(exist_ok=True)
        self.end_leftovers()

    def announce(self, link: str) -> None:
        """Say in the lock where this trial is reached."""
        assert self.lock
        self.lock.seek(0)
        self.lock.truncate()
        self.lock.write(json.dumps({"link": link, "pid": os.getpid()}))
        self.lock.flush()

    def start(self, name: str, command: Sequence[str], environ: Mapping[str, str]) -> None:
        """Start a program of the trial. Its output goes to a file of its name."""
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**os.environ, **environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches this process only, which ends the others in order
                preexec_fn=die_with_parent,
            )
        self.running[name] = process
        (self.notes / f"{name}-{process.pid}").touch()

    def require_running(self) -> None:
        """Raise UserError if one of the programs has ended."""
        for name in ("hub", "proxy"):
            process = self.running.get(name)
            if process and (status := process.poll()) is not None:
                how = f"was killed by signal {-status}" if status < 0 else f"ended with exit status {status}"
                raise UserError(f"The {name} {how}. Everything else is stopped.\n{self.read_end(name)}")

    def read_end(self, name: str) -> str:
        """Return the end of the log of a program, and where the rest is."""
        lines = (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace").splitlines()
        shown = [f"    {line}" for line in lines[-8:]]
        return "\n".join([*shown, f"The whole log is .try/{name}.log. Then run `make try` again"])

    def stop(self) -> None:
        """Stop the programs, the hub first, and the students' servers, and wait until they are gone."""
        for name in ("robot", "hub", "proxy"):
            if process := self.running.pop(name, None):
                end_process(process.pid, STOP)
        self.end_leftovers()
        if self.lock:
            self.lock.close()
            self.lock = None

    def end_leftovers(self) -> None:
        """End the processes that are noted and still there."""
        for note in self.notes.glob("*-*"):
            pid = int(note.name.rpartition("-")[2])
            if any(word in find_command(pid) for word in OURS):
                end_process(pid, 5)
            note.unlink(missing_ok=True)
