"""Run programs. Their output is kept, never printed."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deployer.errors import CommandFailedError, UserError
from deployer.paths import ROOT

Done = subprocess.CompletedProcess[str]


def find_tool(name: str) -> str:
    """Return the path of a program: from the environment variable of its name in capitals, else from the PATH."""
    found = shutil.which(os.environ.get(name.upper().replace("-", "_")) or name)
    if not found:
        raise UserError(f"{name} is not installed: run `mise install` (https://mise.jdx.dev), or put it on the PATH")
    return found


def run(*command: str | Path, text: str | None = None, environ: Mapping[str, str] | None = None) -> Done:
    """Run a program in the root of the repository, given its input and more environment. See `returncode`."""
    words = [str(word) for word in command]
    try:
        return subprocess.run(
            words, cwd=ROOT, env={**os.environ, **(environ or {})}, input=text, capture_output=True, text=True
        )
    except FileNotFoundError as error:
        raise UserError(f"{words[0]} is not installed: put it on the PATH") from error


def read_output(*command: str | Path, text: str | None = None, environ: Mapping[str, str] | None = None) -> str:
    """Return what a program prints. Raises CommandFailedError."""
    done = run(*command, text=text, environ=environ)
    if done.returncode:
        raise CommandFailedError([Path(command[0]).name, *map(str, command[1:])], done.returncode, done.stderr)
    return done.stdout


def parse_json(done: Done) -> dict[str, Any]:
    """Return the JSON object that a program printed; an empty one where the program failed."""
    found: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
    return found
