"""The secrets of a trial: generated like the real ones, kept in .try/ for the next time, and never encrypted."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from deployer import files, values
from deployer.paths import TRIAL
from deployer.secrets import generation
from deployer.yaml_files import YamlMapping, join_keys

# Of the passwords; JupyterHub requires 32 characters for that of the staff.
LENGTHS = {"user_password": 16, "admin_password": 32}


def keep(folder: Path, wanted: Mapping[str, Callable[[], str]]) -> dict[str, str]:
    """Return the secrets of these names: those of the last time, and new ones where there are none."""
    path = folder / "secrets.json"
    kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    kept |= {name: make() for name, make in wanted.items() if name not in kept}
    files.write_text(path, json.dumps(kept), mode=0o600)
    return {name: kept[name] for name in wanted}


def read_secrets(folder: Path) -> YamlMapping:
    """Return the secrets that the hub needs."""
    recipes = {join_keys(path): recipe for path, recipe in generation.list_recipes().items()}
    kept = keep(folder, {name: partial(generation.generate, recipe) for name, recipe in recipes.items()})
    # Values that only a provider has are not needed: a stand-in does not look at them.
    found = {path: kept[join_keys(path)] or "no-secret-in-a-trial" for path in generation.list_recipes()}
    filled: Any = generation.fill_in({generation.OWNER: TRIAL, **found})
    return dict(filled)


def read_passwords(folder: Path) -> dict[str, str]:
    """Return the passwords with which people sign in to a trial on a cluster."""
    return keep(folder, {name: partial(generation.generate_password, length) for name, length in LENGTHS.items()})


def read_cluster_secrets(folder: Path) -> YamlMapping:
    """Return the secrets of a trial on a cluster, where people sign in with a password."""
    sign_in = {"SharedPasswordAuthenticator": read_passwords(folder)}
    return values.merge(read_secrets(folder), {"jupyterhub": {"hub": {"config": sign_in}}})


def read_password(folder: Path) -> str:
    """Return the password of the stand-in."""
    return keep(folder, {"password": partial(generation.generate_password, 16)})["password"]
