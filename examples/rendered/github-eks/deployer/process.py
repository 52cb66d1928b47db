"""Run programs. Their output is kept, never printed."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from deployer.errors import CommandFailedError, UserError
from deployer.paths import ROOT

Done = subprocess.CompletedProcess[str]
# Seconds between two looks at a program that runs, and for it to end after an interrupt.
POLL, GRACE = 3, 20


def find_tool(name: str) -> str:
    """Return the path of a program: by the variable of its name in capitals, from the PATH, or from beside Python."""
    wanted = os.environ.get(name.upper().replace("-", "_")) or name
    found = shutil.which(wanted) or shutil.which(wanted, path=Path(sys.executable).parent)
    if not found:
        raise UserError(f"{name} is not installed: run `mise install` (https://mise.jdx.dev), or put it on the PATH")
    return found


def run(*command: str | Path, text: str | None = None, environ: Mapping[str, str] | None = None) -> Done:
    """Run a program in the root of the repository, given its input and more environment. See `returncode`."""
    words = [str(word) for word in command]
    try:
        return subprocess.run(
            words, cwd=ROOT, env={**os.environ, **(environ or {})}, input=text, capture_output=True, encoding="utf-8"
        )
    except FileNotFoundError as error:
        raise UserError(f"{words[0]} is not installed: put it on the PATH") from error


def run_watched(*command: str | Path, text: str, find_failure: Callable[[], str]) -> Done:
    """Run a program like `run`, and ask every few seconds whether it can still succeed.

    Once `find_failure` returns a reason, the program is interrupted, and the reason is its error output.
    """
    words = [str(word) for word in command]
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(words, cwd=ROOT, encoding="utf-8", **pipes) as process:
        given, failure = text or None, ""
        try:
            while True:
                try:
                    stdout, stderr = process.communicate(given, timeout=GRACE if failure else POLL)
                    return Done(words, process.returncode or bool(failure), stdout, failure or stderr)
                except subprocess.TimeoutExpired:
                    given = None  # It goes on with the rest of the input by itself.
                    if failure:
                        process.kill()
                    elif failure := find_failure():
                        # Interrupted, Helm marks the revision as failed; killed, it leaves it pending.
                        process.send_signal(signal.SIGINT)
        except BaseException:
            process.send_signal(signal.SIGINT)
            raise


def read_output(*command: str | Path, text: str | None = None, environ: Mapping[str, str] | None = None) -> str:
    """Return what a program prints. Raises CommandFailedError."""
    done = run(*command, text=text, environ=environ)
    if done.returncode:
        raise CommandFailedError([Path(command[0]).name, *map(str, command[1:])], done.returncode, done.stderr)
    return done.stdout


def require_done(done: Done, what: str) -> None:
    """Raise UserError where a program failed: what that means, and what the program says."""
    if done.returncode:
        raise UserError(f"{what}: {done.stderr.strip() or done.stdout.strip()}")


def parse_json(done: Done) -> dict[str, Any]:
    """Return the JSON object that a program printed; an empty one where the program failed."""
    found: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
    return found
