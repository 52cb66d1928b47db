"""Look for secrets in all that git has: every version of every file, every message, and what is staged.

Git reads, Kingfisher finds. Its own rules know the credentials of services; `.betterleaks.toml` adds the rest.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from deployer.errors import UserError
from deployer.paths import ROOT

RULES = ROOT / ".betterleaks.toml"
ALLOWED = ROOT / ".scan-allowed"
KINGFISHER = Path(sys.executable).with_name("kingfisher")
# Its exit statuses.
NOTHING, FOUND = 0, 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", type=Path, help="only these files, as they are on the disk")


def run(arguments: argparse.Namespace) -> None:
    if arguments.files:
        report(find_secrets(arguments.files), {str(file): str(file) for file in arguments.files})
        return
    if git("rev-parse", "--is-shallow-repository").strip() == b"true":
        raise UserError("this clone has only a part of the history: run `git fetch --unshallow`")
    objects = list_objects()
    if not objects:
        raise UserError("git has nothing to scan yet: run `git add` or commit first")
    with tempfile.TemporaryDirectory() as folder:
        labels = write_objects(objects, Path(folder))
        report(find_secrets([folder]), labels)
    print(f"no secret in {len(labels)} objects of git")


def git(*arguments: str) -> bytes:
    """Return what git prints."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True)
    if b"not a git repository" in done.stderr:
        raise UserError("this folder is not a git repository yet: run `git init`, `git add .`, then this again")
    if done.returncode:
        raise UserError(f"git {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def list_objects() -> dict[str, str]:
    """Return the objects that refs and the index reach, with their paths. Commits and tags have none."""
    history = git("rev-list", "--objects", "--all").decode(errors="replace").splitlines()
    objects = dict(line.partition(" ")[::2] for line in history)
    for line in git("ls-files", "--stage").decode(errors="replace").splitlines():
        _, name, _, path = line.split(maxsplit=3)
        objects.setdefault(name, path)
    return objects


def write_objects(objects: dict[str, str], folder: Path) -> dict[str, str]:
    """Write each object but the folders into a file. Returns what to call each file in a message."""
    labels = {}
    with tempfile.TemporaryFile() as names:
        names.write("".join(f"{name}\n" for name in objects).encode())
        names.seek(0)
        with subprocess.Popen(["git", "cat-file", "--batch"], cwd=ROOT, stdin=names, stdout=subprocess.PIPE) as reader:
            assert reader.stdout is not None
            for name, path in objects.items():
                header = reader.stdout.readline().decode().split()
                if len(header) < 3:
                    raise UserError(f"git does not have {name[:10]} ({path}): run `git fetch --refetch`")
                content = reader.stdout.read(int(header[2]) + 1)[:-1]
                if header[1] == "tree":
                    continue
                # The end of the name tells the scanner what is in the file.
                file = folder / f"{name}-{re.sub(r'[^A-Za-z0-9._-]', '_', Path(path).name)[-80:]}"
                file.write_bytes(content)
                labels[str(file)] = f"{path or header[1]} ({name[:10]})"
    return labels


def find_secrets(paths: Iterable[str | Path]) -> list[dict[str, Any]]:
    """Return what Kingfisher finds below some paths. It asks no service whether a secret is valid."""
    command = [KINGFISHER, "scan", *paths, f"--rules-path={RULES}", "--format=json", "--quiet"]
    # A comment in a file does not switch it off: `.scan-allowed` does, for one value.
    alone = ["--no-validate", "--no-update-check", "--no-ignore", "--no-dedup", "--no-limits", "--git-history=none"]
    try:
        done = subprocess.run([*command, *alone], cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise UserError(f"{KINGFISHER} is not installed: run `make .venv`") from error
    if done.returncode not in (NOTHING, FOUND):
        raise UserError(f"kingfisher failed with exit status {done.returncode}: {done.stderr.strip()}")
    # A second line tells how long it took.
    findings: list[dict[str, Any]] = json.JSONDecoder().raw_decode(done.stdout.lstrip())[0]["findings"]
    return findings


def report(findings: list[dict[str, Any]], labels: dict[str, str]) -> None:
    """Raise UserError with the findings that are not allowed: place, rule and fingerprint of each, never its text."""
    allowed = ALLOWED.read_text(encoding="utf-8").split() if ALLOWED.exists() else []
    order = {path: number for number, path in enumerate(labels)}
    lines: dict[str, str] = {}
    for item in sorted(findings, key=lambda item: order.get(item["finding"]["path"], 0)):
        finding = item["finding"]
        fingerprint = hashlib.sha256(finding["snippet"].encode()).hexdigest()[:16]
        where = f"{labels.get(finding['path'], finding['path'])}, line {finding['line']}"
        if fingerprint not in allowed:
            lines.setdefault(fingerprint, f"{where}: {item['rule']['id'].partition('.')[2]} [{fingerprint}]")
    if lines:
        raise UserError(
            "\n".join(lines.values())
            + "\nWhat git has had, others may have: renew the secret (docs/secrets.md), and take it out of the file."
            " If it is not a secret, or not one anymore, write the fingerprint in the brackets into .scan-allowed"
        )
