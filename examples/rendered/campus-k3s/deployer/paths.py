"""Where things are in this repository."""

import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "chart"
CONFIG = ROOT / "config"
IMAGE = ROOT / "image"
SOPS_RULES = ROOT / ".sops.yaml"
CHART_VALUES = CHART / "values.yaml"
FAKE_SECRETS = CHART / "ci" / "fake-secrets.yaml"
# One more environment is that of `make try ON=…`: the first one, reduced by a layer that the command writes.
TRIAL = "try"
TRIAL_FOLDER = ROOT / ".try"
TRIAL_VALUES = TRIAL_FOLDER / "cluster.yaml"


def find_environments(root: Path) -> tuple[str, ...]:
    """Return the environments of a checkout. Staging is optional: several hubs may share that of one."""
    return ("staging", "prod") if (root / "config" / "staging.yaml").is_file() else ("prod",)


ENVIRONMENTS = find_environments(ROOT)


def label(path: Path) -> str:
    """Return a path as messages name it: from the root of the repository, where it is inside."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def find_cache() -> Path:
    """Return the folder of this user that keeps the packaged chart and the packages of trials, for all hubs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "z2jh-template"


def secrets_file(env: str) -> Path:
    """Return the path of the encrypted secrets of an environment."""
    return ROOT / "secrets" / f"{env}.yaml"


def list_files() -> Iterator[Path]:
    """Yield the files of the repository, without those that git, make and helm keep in it."""
    skipped = {ROOT / ".git", ROOT / ".venv", TRIAL_FOLDER, CHART / "charts"}
    folders = [ROOT]
    for folder in folders:
        for path in sorted(folder.iterdir()):
            if path.is_dir() and path not in skipped and not path.is_symlink():
                folders.append(path)
            elif path.is_file():
                yield path
