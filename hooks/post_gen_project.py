#!/usr/bin/env python3
"""Take away what the answers did not choose, and record where the repository came from."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from jinja2.sandbox import SandboxedEnvironment

answers = dict(json.loads(r'<< cookiecutter.items() | list | tojson >>'))  # fmt: skip
# A hook runs in the new repository; a relative path was meant from where cookiecutter was called.
CALLED_FROM = Path(os.environ.get("PWD", "."))


def prune() -> None:
    """Remove the paths whose condition in `_only_when` does not hold; copier never writes them.

    The list comes from a file that anybody may have edited if cookiecutter was called with --replay-file.
    """
    here = Path.cwd()
    for path in answers["_only_when"]:
        if here not in Path(os.path.abspath(path)).parents:
            sys.exit(f"_only_when: '{path}' is not a path in the new repository. Remove it from the replay file.")
    jinja = SandboxedEnvironment()
    for path, condition in answers["_only_when"].items():
        if not jinja.compile_expression(condition)(answers):
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)


def origin() -> dict[str, str]:
    """Return what copier records of a template: `git describe` of its commit, and its address as it was given."""
    address = answers["_template"]
    if (CALLED_FROM / address / "cookiecutter.json").is_file():
        address = os.path.abspath(CALLED_FROM / address)
    checkout = CALLED_FROM / answers["_repo_dir"]
    if not (checkout / ".git").exists():
        return {"_src_path": address}
    describe = ["git", "-C", checkout, "describe", "--tags", "--always"]
    commit = subprocess.run(describe, check=True, capture_output=True, text=True).stdout.strip()
    return {"_commit": commit, "_src_path": address}


def record() -> None:
    """Write the origin into the answers file, where copier's own run of the template writes it."""
    path = Path(".copier-answers.yml")
    comment, *rest = path.read_text(encoding="utf-8").splitlines(keepends=True)
    lines = ["{}: '{}'\n".format(key, value.replace("'", "''")) for key, value in origin().items()]
    path.write_text("".join([comment, *lines, *rest]), encoding="utf-8")


def folder() -> str:
    """The new repository, as the caller can name it."""
    here = Path.cwd()
    return os.path.relpath(here, CALLED_FROM) if CALLED_FROM.resolve() in here.parents else str(here)


prune()
record()
print(answers["_message"].replace("FOLDER", folder()))
