"""The program that runs in pods with a home, run here on a folder."""

import io
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from repositories import TEMPLATE

sys.path.insert(0, str(TEMPLATE / "<<cookiecutter.hub_name>>"))

from deployer.homes import pods

PROGRAMS = {name.upper(): (Path(pods.__file__).parent / f"{name}.py").read_text("utf-8") for name in pods.PROGRAMS}


def run_agent(*arguments: str | Path, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a command as a pod does: from the environment, with nothing of the repository."""
    command = [sys.executable, "-I", "-c", pods.BOOT, *map(str, arguments)]
    return subprocess.run(command, input=given, capture_output=True, env=PROGRAMS, cwd="/")


def pack(home: Path) -> tuple[bytes, dict[str, Any]]:
    """The archive of a home, read from the frames in which it comes."""
    read, write = os.pipe()
    done = run_agent("archive", home, "0")
    assert done.returncode == 0, done.stderr
    threading.Thread(target=lambda: (os.write(write, done.stdout), os.close(write)), daemon=True).start()
    file = io.BytesIO()
    with os.fdopen(read, "rb") as stream:
        result = pods.Pod("prod", "", None).read_frames(stream, file, threading.Event())
    return file.getvalue(), result
