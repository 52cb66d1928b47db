#!/usr/bin/env python3
"""Print the path of the packaged jupyterhub chart, where a generated repository finds it."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import fetch_helm
from cookiecutter.main import cookiecutter

TEMPLATE = Path(__file__).resolve().parent.parent


def find() -> Path:
    """Return the path of the packaged chart: from $Z2JH_CHART, from the cache, or pulled into the cache.

    Raises LookupError with the way to get it.
    """
    with tempfile.TemporaryDirectory() as folder:
        # Without its hooks, which print a message for people.
        options = {"no_input": True, "default_config": {"replay_dir": folder}, "accept_hooks": False}
        repository = Path(cookiecutter(str(TEMPLATE), output_dir=folder, **options))
        found = subprocess.run(
            [sys.executable, "-m", "deployer", "find-chart"],
            cwd=repository,
            env={**os.environ, "HELM": str(fetch_helm.find())},
            capture_output=True,
            text=True,
        )
    if found.returncode:
        raise LookupError(found.stderr.strip())
    return Path(found.stdout.strip())


if __name__ == "__main__":
    try:
        print(find())
    except LookupError as error:
        sys.exit(str(error))
