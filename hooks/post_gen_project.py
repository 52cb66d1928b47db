#!/usr/bin/env python3
"""Take away what the answers did not choose, and record where the repository came from."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from jinja2 import Environment

answers = dict(json.loads(r'<< cookiecutter.items() | list | tojson >>'))  # fmt: skip


def prune() -> None:
    """Remove the paths whose condition in `_only_when` does not hold; copier never writes them."""
    for path, condition in answers["_only_when"].items():
        if not Environment().compile_expression(condition)(answers):
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)


def origin() -> str:
    """What copier notes of a template: `git describe` of its commit, and the address as it was given."""
    template, checkout = answers["_template"], Path(answers["_repo_dir"])
    lines = []
    if (checkout / ".git").exists():
        describe = ["git", "-C", checkout, "describe", "--tags", "--always"]
        commit = subprocess.run(describe, check=True, capture_output=True, text=True).stdout.strip()
        lines.append(f"_commit: {commit}\n")
    if os.path.isdir(template):
        template = os.path.abspath(template)
    return "".join([*lines, f"_src_path: {template}\n"])


prune()
record = Path(".copier-answers.yml")
record.write_text(
    re.sub(r"^_commit: .*\n_src_path: .*\n", lambda _: origin(), record.read_text(encoding="utf-8"), flags=re.M),
    encoding="utf-8",
)
