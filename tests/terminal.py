"""A person at a terminal: the engines on a pseudo-terminal, and the screen that the person sees."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pexpect
import pyte

LINES, COLUMNS = 60, 100
# Seconds; a machine with many tests on it is slow.
PATIENCE = 60
DOWN = "\x1b[B"


class Terminal:
    """A command on a pseudo-terminal, and its screen."""

    def __init__(self, command: list[str], folder: Path, lines: int = LINES, columns: int = COLUMNS) -> None:
        self.screen = pyte.HistoryScreen(columns, lines, history=10_000, ratio=1)
        self.stream = pyte.Stream(self.screen)
        # copier's prompts ask the terminal where the cursor is, which nothing here answers.
        environ = {**os.environ, "PWD": str(folder), "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
        self.process = pexpect.spawn(
            command[0], command[1:], cwd=folder, env=environ, dimensions=(lines, columns), encoding="utf-8", timeout=5
        )

    def read(self, seconds: float = 0.05) -> bool:
        """Show on the screen what the command has written; False when the command has ended."""
        try:
            self.stream.feed(self.process.read_nonblocking(65536, seconds))
        except pexpect.TIMEOUT:
            pass
        except pexpect.EOF:
            return False
        return True

    def text(self) -> str:
        """Return everything that was shown, the lines that have scrolled away included."""
        top = ["".join(line[column].data for column in range(self.screen.columns)) for line in self.screen.history.top]
        return "\n".join(line.rstrip() for line in [*top, *self.screen.display]).rstrip()

    def pointed(self) -> str:
        """Return the choice that copier's arrow points to."""
        return next((line for line in self.screen.display if "»" in line), "").partition("»")[2].strip()

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until the screen fulfils a condition."""
        until = time.monotonic() + PATIENCE
        while not condition():
            running = self.read()
            assert running and time.monotonic() < until, f"waited in vain:\n{self.text()}"

    def wait_for(self, text: str) -> None:
        """Wait until the screen shows a text, which may be broken into lines where it has spaces."""
        self.wait_until(lambda: text in " ".join(self.text().split()))

    def send(self, keys: str) -> None:
        self.process.send(keys)

    def end(self) -> int:
        """Wait until the command ends, and return its exit status."""
        until = time.monotonic() + PATIENCE
        while self.read():
            assert time.monotonic() < until, f"waiting for the end:\n{self.text()}"
        self.process.close()
        return self.process.exitstatus if self.process.exitstatus is not None else -self.process.signalstatus
