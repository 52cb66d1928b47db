"""Marks in place of values that are not known yet. Neither mark can be deployed."""

import re

from deployer.paths import ROOT, label, list_files

# In chart/ci/fake-secrets.yaml, where a secret will be.
FAKE = "fake-for-rendering--"
# Where only you, or your provider, know the value.
BLANK = "fill-in--"


def has_mark(value: object) -> bool:
    """Return whether a value is still a fake or a blank."""
    return any(mark in str(value) for mark in (FAKE, BLANK))


def list_blanks() -> list[str]:
    """Return the blanks of config/, .sops.yaml and cluster/, each with its file and line."""
    return [
        f"{blank} ({label(path)}:{number})"
        for path in list_files()
        if path.relative_to(ROOT).parts[0] in ("config", ".sops.yaml", "cluster")
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        for blank in re.findall(f"{BLANK}[A-Za-z0-9-]+", line)
    ]
