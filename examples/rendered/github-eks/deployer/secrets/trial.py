"""The secrets of a trial: generated like the real ones, kept in .try/ for the next time, and never encrypted."""

import json
import secrets
from pathlib import Path
from typing import Any

from deployer import values
from deployer.paths import TRIAL
from deployer.secrets import generation
from deployer.yaml_files import KeyPath, YamlMapping, join_keys

# Of the passwords; JupyterHub requires 32 characters for that of the staff.
LENGTHS = {"user_password": 16, "admin_password": 32}


def read_secrets(folder: Path) -> YamlMapping:
    """Return the secrets of this trial: generated like the real ones, and kept for the next time."""
    path = folder / "secrets.json"
    kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    found: dict[KeyPath, str] = {}
    for keys, recipe in generation.list_recipes().items():
        name = join_keys(keys)
        # Values that only a provider has are not needed: a stand-in does not look at them.
        found[keys] = kept.get(name) or generation.generate(recipe) or "no-secret-in-a-trial"
    path.touch(mode=0o600)
    path.write_text(json.dumps({join_keys(keys): value for keys, value in found.items()}), encoding="utf-8")
    filled: Any = generation.fill_in({generation.OWNER: TRIAL, **found})
    return dict(filled)


def read_passwords(folder: Path) -> dict[str, str]:
    """Return the passwords with which people sign in to a trial on a cluster, kept for the next time."""
    path = folder / "passwords.json"
    if not path.is_file():
        path.touch(mode=0o600)
        path.write_text(json.dumps({name: generate_password(length) for name, length in LENGTHS.items()}), "utf-8")
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return found


def read_cluster_secrets(folder: Path) -> YamlMapping:
    """Return the secrets of a trial on a cluster, where people sign in with a password."""
    sign_in = {"SharedPasswordAuthenticator": read_passwords(folder)}
    return values.merge(read_secrets(folder), {"jupyterhub": {"hub": {"config": sign_in}}})


def generate_password(length: int) -> str:
    """Return a random password."""
    return "".join(secrets.choice(generation.LETTERS) for _ in range(length))


def read_password(folder: Path) -> str:
    """Return the password of the stand-in: like the others, kept for the next time."""
    path = folder / "password"
    if not path.is_file():
        path.touch(mode=0o600)
        path.write_text(generate_password(16), encoding="utf-8")
    return path.read_text(encoding="utf-8")
