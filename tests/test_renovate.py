"""Renovate finds every version that the template pins, and puts a new one where the old one was."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from repositories import TEMPLATE, tracked

CONFIG = json.loads((TEMPLATE / "renovate.json").read_text(encoding="utf-8"))
MANAGERS = {manager["description"]: manager for manager in CONFIG["customManagers"]}


def find(manager: dict) -> list[re.Match[str]]:
    """Return what a manager finds in the files of the template."""
    files = [
        TEMPLATE / name
        for name in tracked(TEMPLATE)
        if any(re.search(pattern.strip("/"), name) for pattern in manager["managerFilePatterns"])
    ]
    patterns = [pattern.replace("(?<", "(?P<") for pattern in manager["matchStrings"]]
    return [found for file in files for pattern in patterns for found in re.finditer(pattern, file.read_text("utf-8"))]


def test_the_configuration_keeps_to_renovates_schema() -> None:
    lint = [Path(sys.executable).with_name("check-jsonschema"), "--builtin-schema", "vendor.renovate", "renovate.json"]
    done = subprocess.run(lint, cwd=TEMPLATE, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("description", "wanted"),
    [
        ("The jupyterhub chart", {"4.4.0"}),
        ("Packages that commands name with their version", {"copier", "yamllint"}),
        ("The Docker Stacks", {"scipy-notebook", "r-notebook", "pytorch-notebook"}),
        ("The image of restic", {"docker.io/restic/restic"}),
        ("The actions that the tests know, which change with those in the workflows", {"actions/checkout"}),
    ],
)
def test_each_manager_finds_its_versions(description: str, wanted: set[str]) -> None:
    found = find(MANAGERS[description])
    named = {match.groupdict().get("depName", match["currentValue"]) for match in found}
    assert wanted <= named


@pytest.mark.parametrize("description", [name for name in MANAGERS if "autoReplaceStringTemplate" in MANAGERS[name]])
def test_a_replacement_has_the_form_of_what_it_replaces(description: str) -> None:
    manager = MANAGERS[description]
    for found in find(manager):
        digest = found["currentDigest"]
        text = re.sub(r"{{#if newDigest}}(.*){{/if}}", r"\1" if digest else "", manager["autoReplaceStringTemplate"])
        for field, value in ("depName", found["depName"]), ("newValue", found["currentValue"]), ("newDigest", digest):
            text = text.replace("{{{" + field + "}}}", value or "")
        assert text == found[0]
