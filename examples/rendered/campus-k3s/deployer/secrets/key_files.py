"""Where sops looks for the age keys of a person."""

import os
import sys
from pathlib import Path

from deployer.errors import UserError


def find_key_file() -> Path:
    """Return the path of the key file, which may not exist yet."""
    if given := os.environ.get("SOPS_AGE_KEY_FILE"):
        return Path(given).expanduser().absolute()
    home = Path.home() / ("Library/Application Support" if sys.platform == "darwin" else ".config")
    return Path(os.environ.get("XDG_CONFIG_HOME") or home) / "sops" / "age" / "keys.txt"


def require_private() -> None:
    """Raise UserError where other users of this machine can read the key file."""
    file = find_key_file()
    if file.is_file() and (mode := file.stat().st_mode & 0o077):
        raise UserError(
            f"{file}: other users of this machine can use it (its mode is {file.stat().st_mode & 0o777:o}, and "
            f"{mode:o} of it must go). Run `chmod 600 {file}`"
        )
