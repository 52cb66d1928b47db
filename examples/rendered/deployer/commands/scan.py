"""Look for secrets in every version of every file, and in every message, that git has: published once, known for ever.

detect-secrets brings the forms of known credentials. What it misses is here: age keys, random values of `make secrets`.
"""

import argparse
import hashlib
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.plugins.base import RegexBasedDetector
from detect_secrets.plugins.high_entropy_strings import HighEntropyStringsPlugin
from detect_secrets.plugins.ip_public import IPPublicDetector
from detect_secrets.plugins.keyword import KeywordDetector

from deployer.errors import UserError
from deployer.marks import BLANK, FAKE
from deployer.paths import ROOT

ALLOWED = ROOT / ".scan-allowed"
# What stands where a secret will be: fakes, blanks, ciphertext, references of Helm, Make, shells and pipelines.
STAND_IN = re.compile(rf"{FAKE}|{BLANK}|ENC\[|[$<{{(\[]")


def form(kind: str, pattern: str) -> Any:
    """A detector of what one pattern finds."""
    return type("Form", (RegexBasedDetector,), {"secret_type": kind, "denylist": (re.compile(pattern),)})()


def known_forms() -> list[Any]:
    """Those of detect-secrets that know a form. High entropy alone is true of every digest and ciphertext."""
    guesses = (HighEntropyStringsPlugin, IPPublicDetector, KeywordDetector)
    kinds: Any = get_mapping_from_secret_type_to_class().values()
    return [kind() for kind in kinds if not issubclass(kind, guesses)]


BY_FORM = [
    form("age key", r"AGE-SECRET-KEY-(?:PQ-)?1[A-Z0-9]{50,}"),
    # What hex-64 makes. A checksum has its kind beside it.
    form("64 hexadecimal digits", r"^(?!.*(?i:sha-?256)).*(?<![0-9a-f])([0-9a-f]{64})(?![0-9a-f])"),
    *known_forms(),
]
NAMES = r"(?:token|password|secret|credentials?|api_?key)"
BY_NAME = [form("value of a secret", rf"(?i){NAMES}['\"]?\s*[:=]\s*['\"]?([^\s'\",]{{8,}})"), KeywordDetector()]


def random(value: str) -> bool:
    """Whether a value, found by its name only, looks like a secret and not like a word or an expression."""
    entropy = -sum(n / len(value) * math.log2(n / len(value)) for n in map(value.count, set(value)))
    mixed = re.search(r"[0-9]", value) or (re.search(r"[a-z]", value) and re.search(r"[A-Z]", value[1:]))
    return len(value) >= 8 and entropy >= 3 and bool(mixed) and not re.search(r"[(\[{ ]", value)


def git(*arguments: str, text: bytes = b"") -> bytes:
    """What git prints. Stops with what it says."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, input=text)
    if done.returncode and b"not a git repository" in done.stderr:
        raise UserError("this folder is not a git repository yet: `git init`, `git add .`, then again")
    if done.returncode:
        raise UserError(f"git: {done.stderr.decode().strip()}")
    return done.stdout


def versions() -> Iterator[tuple[str, bytes]]:
    """What commits, tags and the index hold: every version of every file, and every message."""
    objects = dict(line.partition(" ")[::2] for line in git("rev-list", "--objects", "--all").decode().splitlines())
    staged = (line.split(maxsplit=3) for line in git("ls-files", "--stage").decode().splitlines())
    objects |= {name: path for _, name, _, path in staged}
    stream = git("cat-file", "--batch", text="".join(f"{name}\n" for name in objects).encode())
    for name, path in objects.items():
        header, _, stream = stream.partition(b"\n")
        kind, size = header.split()[1].decode(), int(header.split()[2])
        content, stream = stream[:size], stream[size + 1 :]
        if kind != "tree":
            yield f"{path or kind} ({name[:10]})", content


def findings(label: str, content: bytes) -> Iterator[tuple[str, str]]:
    """What looks like a secret: where it is and what it is, and its fingerprint. Never its text."""
    if b"\0" in content:
        return
    name = label.split(" (")[0]
    for number, line in enumerate(content.decode(errors="replace").splitlines(), 1):
        for plugin in [*BY_FORM, *BY_NAME]:
            for found in plugin.analyze_line(filename=name, line=line, line_number=number):
                value = found.secret_value or ""
                if STAND_IN.match(value) or (plugin in BY_NAME and not random(value)):
                    continue
                fingerprint = hashlib.sha256(value.encode()).hexdigest()[:16]
                yield f"{label}, line {number}: {found.type}", fingerprint


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("files", nargs="*", type=Path, help="only these files, as they are on the disk")


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    files = arguments.files
    if files:
        scanned = [(str(file), file.read_bytes()) for file in files if file.is_file()]
    elif git("rev-parse", "--is-shallow-repository").strip() == b"true":
        raise UserError(
            "this clone has a part of the history only: `git fetch --unshallow`, or let the pipeline fetch all of it"
        )
    else:
        scanned = list(versions())
    if not scanned:
        raise UserError("git has nothing to look through yet: `git add` or commit first")
    allowed = ALLOWED.read_text(encoding="utf-8").split() if ALLOWED.exists() else []
    found: dict[str, str] = {}
    for label, content in scanned:
        for where, fingerprint in findings(label, content):
            if fingerprint not in allowed:
                found.setdefault(fingerprint, where)
    if found:
        raise UserError(
            "\n".join(f"{where} [{fingerprint}]" for fingerprint, where in found.items())
            + "\nWhat git has had, others may have: make it anew (docs/secrets.md) and take it out."
            " If it is no secret, or no longer one, write what stands in the brackets into .scan-allowed"
        )
    print(f"no secret in {len(scanned)} {'files' if files else 'objects of git'}", file=sys.stderr if files else None)
