"""Files of secrets that cannot be written, keys that others can read, and hostile texts that people type."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from repositories import run_deployer, run_python

pytestmark = pytest.mark.usefixtures("person")

# The texts that shells, Make, YAML, argparse and sops would read as something else.
HOSTILE = [
    "Miles O'Brien",
    '"; touch planted; "',
    "$(touch planted)",
    "$(shell touch planted)",
    "${shell touch planted}",
    "`touch planted`",
    "$$(touch planted)",
    "'; touch planted; '",
    "--env=staging",
    "-h",
    "\\",
    "%s",
    "Zoë 王",
]
REJECTED = ["", "a # b", "a\nb: c", "a\rb", "a\u2028b", "a\x85b", "a\x07", "pipeline"]


@pytest.fixture
def repository(edited: Callable[..., Path]) -> Path:
    """A repository whose `make` uses the packages of the tests, with nothing encrypted yet."""
    made = edited()
    (made / ".venv").mkdir()
    (made / ".venv" / "complete").touch()
    return made


@pytest.fixture
def hub(repository: Path) -> Path:
    """The same, as `make secrets` leaves it."""
    done = make(repository, "secrets")
    assert done.returncode == 0, done.stderr
    return repository


def make(repository: Path, *arguments: str, limit: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run make, where files may perhaps not grow above a number of bytes, as on a disk that is full."""
    command = ["make", "--silent", f"PYTHON={sys.executable}", *arguments]
    # Python keeps the part of a module's bytecode that still fits.
    no_bytecode = {} if limit is None else {"PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command,
        cwd=repository,
        env={**os.environ, **no_bytecode},
        capture_output=True,
        text=True,
        preexec_fn=None if limit is None else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )


def contents(repository: Path) -> dict[str, bytes]:
    """The files that hold secrets, or say whose they are, and the key."""
    files = [repository / ".sops.yaml", *(repository / "secrets").rglob("*"), *Path.home().rglob("keys.txt*")]
    return {str(file): file.read_bytes() for file in files if file.is_file()}


def new_recipient(folder: Path) -> str:
    """The recipient of somebody else's key."""
    keygen = os.environ["AGE_KEYGEN"]
    subprocess.run([keygen, "-o", folder / "other.txt"], check=True, capture_output=True)
    command = [keygen, "-y", folder / "other.txt"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("limit", [0, 1024])
@pytest.mark.parametrize("target", ["secrets-rotate", "secrets-rotate NEW=values", "secrets-new-key", "secrets-share"])
def test_a_write_that_fails_leaves_the_old_secrets(hub: Path, tmp_path: Path, target: str, limit: int) -> None:
    before = contents(hub)
    arguments = target.split()
    if target == "secrets-share":
        arguments += [f"WITH={new_recipient(tmp_path)}", "NAME=Grace"]
    done = make(hub, *arguments, limit=limit)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "could not be written (File too large), and is as it was. Make room" in done.stderr
    after = contents(hub)
    if target == "secrets-new-key" and limit:
        # The new key fits into the key file, and opens nothing yet.
        after = {file: text for file, text in after.items() if "keys.txt" not in file}
        before = {file: text for file, text in before.items() if "keys.txt" not in file}
    assert after == before
    assert run_deployer(hub, "secrets", "show", "--env=prod").returncode == 0
    assert make(hub, *arguments).returncode == 0


def test_a_value_that_cannot_be_written_leaves_the_old_secrets(hub: Path) -> None:
    before = contents(hub)
    code = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
sys.argv = ["deployer", "secrets", "set", "--env=prod", "--key=jupyterhub.hub.cookieSecret"]
runpy.run_module("deployer", run_name="__main__")
"""
    done = run_python(hub, code, input="ab" * 32)
    assert done.returncode == 1
    assert done.stderr.startswith("secrets/prod.yaml: it could not be written (File too large), and is as it was.")
    assert contents(hub) == before


@pytest.mark.parametrize("limit", [0, 300, 1024])
def test_the_first_secrets_on_a_full_disk(repository: Path, limit: int) -> None:
    """0: not even the key; 300: the key, and not the list of recipients; 1024: both, and no secret."""
    before = contents(repository)
    done = make(repository, "secrets", limit=limit)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "could not be written (File too large), and is as it was. Make room" in done.stderr
    assert not (repository / "secrets").exists()
    assert [file for file in contents(repository) if file.endswith(".new")] == []
    if limit < 1024:
        assert (repository / ".sops.yaml").read_bytes() == before[str(repository / ".sops.yaml")]
    done = make(repository, "secrets")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_names(hub: Path, tmp_path: Path, name: str) -> None:
    recipient = new_recipient(tmp_path)
    done = make(hub, "secrets-share", f"WITH={recipient}", f"NAME={name}")
    assert done.returncode == 0, done.stderr
    assert f"      - {recipient}  # {name}\n" in (hub / ".sops.yaml").read_text(encoding="utf-8")
    assert list(hub.rglob("planted")) == []
    assert make(hub, "secrets-unshare", f"WITH={recipient}").returncode == 0
    assert run_deployer(hub, "secrets", "check").returncode == 0


@pytest.mark.parametrize("name", REJECTED)
def test_a_name_that_would_be_more_than_a_comment_is_rejected(hub: Path, tmp_path: Path, name: str) -> None:
    before = contents(hub)
    done = make(hub, "secrets-share", f"WITH={new_recipient(tmp_path)}", f"NAME={name}")
    assert done.returncode != 0
    assert done.stderr.startswith(
        f"NAME: {name!r} cannot be beside the recipient in .sops.yaml. Write a name on one line without #"
    )
    assert contents(hub) == before


@pytest.mark.parametrize(
    "typed", [text for text in HOSTILE if "planted" in text and "{" not in text and "$$" not in text]
)
@pytest.mark.parametrize(
    ("target", "variable"),
    [
        ("secrets-share", "WITH"),
        ("secrets-unshare", "WITH"),
        ("secrets-set ENV=prod", "KEY"),
        ("secrets-show ENV=prod", "KEY"),
        ("secrets-rotate", "NEW"),
        ("seats", "ENV"),
        ("deploy", "TIMEOUT"),
        ("rollback", "REVISION"),
        ("impact", "BASE"),
    ],
)
def test_nothing_that_is_typed_is_run(repository: Path, target: str, variable: str, typed: str) -> None:
    done = make(repository, *target.split(), f"{variable}={typed}")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr and "Syntax error" not in done.stderr
    assert list(repository.rglob("planted")) == []


def test_the_name_of_git_is_quoted_for_the_shell(hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["git", "init", "--quiet", hub], check=True)
    subprocess.run(["git", "config", "user.name", "Miles O'Brien"], cwd=hub, check=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "other"))
    done = make(hub, "secrets")
    command = done.stderr.splitlines()[1].strip()
    told = subprocess.run(["sh", "-c", command.replace("make secrets-share", "printf '%s\\n'")], capture_output=True)
    assert told.stdout.decode().splitlines()[1] == "NAME=Miles O'Brien"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_can_use_is_rejected(hub: Path, person: Path, mode: int) -> None:
    file = person / ".config/sops/age/keys.txt"
    file.chmod(mode)
    for command in (["secrets", "show", "--env=prod"], ["secrets", "make"], ["keys", "mine"], ["keys", "renew"]):
        done = run_deployer(hub, *command)
        assert done.returncode == 1
        assert done.stderr.startswith(f"{file}: other users of this machine can use it (its mode is {mode:o}")
        assert f"Run `chmod 600 {file}`" in done.stderr
    file.chmod(0o600)
    assert run_deployer(hub, "secrets", "show", "--env=prod").returncode == 0


def test_what_may_be_rubbish_is_not_to_be_encrypted(hub: Path) -> None:
    file = hub / "secrets/prod.yaml"
    whole = subprocess.run([os.environ["SOPS"], "decrypt", file], check=True, capture_output=True, text=True).stdout
    for text, advised in ((whole, True), (whole[: len(whole) // 2], False), ("secretsFor: prod\n", False), ("", False)):
        file.write_text(text, encoding="utf-8")
        for command in (["secrets", "check"], ["secrets", "show", "--env=prod"]):
            done = run_deployer(hub, *command)
            assert done.returncode == 1
            assert f"secrets/prod.yaml is {'not encrypted' if text else 'empty'}" in done.stderr
            assert ("`sops encrypt --in-place secrets/prod.yaml` keeps" in done.stderr) == advised


@pytest.mark.parametrize(
    ("left", "sentence"), [("", "left the file empty"), ("{}", "removed what the hub needs (backup.")]
)
def test_editor_that_removes_the_secrets_changes_nothing(left: str, sentence: str, hub: Path, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text(f"#!/bin/sh\nprintf '{left}' > \"$1\"\n", encoding="utf-8")
    editor.chmod(0o755)
    before = contents(hub)
    done = run_deployer(hub, "secrets", "edit", "--env=prod", EDITOR=str(editor), SOPS_EDITOR=str(editor))
    assert done.returncode == 1
    assert f"secrets/prod.yaml: not changed, because the editor has {sentence}" in done.stderr
    assert contents(hub) == before


def test_a_disk_that_is_full(hub: Path, tmp_path: Path) -> None:
    """The same with a real file system, where root may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", disk]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs root, and the right to mount a tmpfs: run the tests as root outside of a container")
    try:
        copy = Path(shutil.copytree(hub, disk / "hub", ignore=shutil.ignore_patterns("charts"), symlinks=True))
        before = contents(copy)
        with (disk / "full").open("wb", buffering=0) as full:
            for size in (65536, 1):
                try:
                    while True:
                        full.write(bytes(size))
                except OSError:
                    continue
        done = run_deployer(copy, "secrets", "rotate", PYTHONDONTWRITEBYTECODE="1")
        assert done.returncode == 1
        assert "could not be written (No space left on device), and is as it was" in done.stderr
        assert contents(copy) == before
    finally:
        subprocess.run(["umount", disk], check=True)
