"""Write files so that a full disk leaves the old content."""

import os
import shutil
from pathlib import Path

from deployer.errors import UserError
from deployer.paths import label


def describe_failed_write(path: Path, error: OSError) -> UserError:
    """Return the error for a file that could not be written, after which the old one is still there."""
    return UserError(
        f"{label(path)}: it could not be written ({error.strerror}), and is as it was. Make room on the disk, then run "
        "the same command again"
    )


def write_text(path: Path, text: str, mode: int | None = None) -> None:
    """Write a file beside the one that is there, and rename it. Raises UserError where it cannot be written.

    Without a mode, a file keeps the one that it has, and a new one gets what the umask leaves.
    """
    path = path.resolve()
    new = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode or 0o666), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if mode is None and path.exists():
            shutil.copymode(path, new)
        os.replace(new, path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise describe_failed_write(path, error) from error
