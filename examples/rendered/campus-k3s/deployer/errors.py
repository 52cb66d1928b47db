"""Errors that a person can fix. Code that finds one raises it, and __main__.py prints it."""

from collections.abc import Sequence


class UserError(Exception):
    """An error whose text is the whole message: what is wrong, and how to fix it."""


class CommandFailedError(UserError):
    """A program that exited with an error. Callers that know the cause raise a better message from it."""

    def __init__(self, command: Sequence[str], status: int, stderr: str) -> None:
        self.status = status
        self.stderr = stderr.strip()
        shown = " ".join(command[:3])
        super().__init__(f"`{shown}` failed with exit status {status}: {self.stderr or 'it gave no reason'}")


class ChartUnavailableError(UserError):
    """The jupyterhub chart is neither here nor can it be pulled."""
