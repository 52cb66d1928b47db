"""Processes that end with the one that started them, however that ends. As a program: `lifeline.py NOTES COMMAND`."""

import ctypes
import os
import signal
import sys
from pathlib import Path

# Options of prctl(2).
SET_DEATH_SIGNAL = 1
ADOPT_ORPHANS = 36


def die_with_parent() -> None:
    """Let the kernel end this process when its parent is killed. Only Linux can; elsewhere the next trial ends it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_DEATH_SIGNAL, signal.SIGTERM)


def adopt_orphans() -> None:
    """Become the parent of processes whose parent ends, to see that they end as well. Only Linux can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(ADOPT_ORPHANS, 1)


if __name__ == "__main__":
    Path(sys.argv[1], f"service-{os.getpid()}").touch()
    die_with_parent()
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 (that is what it is for)
