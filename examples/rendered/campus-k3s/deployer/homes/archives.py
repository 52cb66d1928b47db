"""The folder with the archives of a hub's homes, and its manifest."""

import difflib
import fcntl
import json
import os
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deployer import chart, files
from deployer.errors import UserError
from deployer.homes.tree import hash_file
from deployer.paths import ROOT, label

MANIFEST = "manifest.json"
# What the manifest says of an archive, beside the name of the file.
Entry = dict[str, Any]
_writing = threading.Lock()


def find_folder(env: str, given: str) -> Path:
    """Return the folder with the archives of an environment: the one that was given, or one beside the repository."""
    return Path(given).expanduser().absolute() if given else ROOT.parent / f"{chart.read_name()}-archive" / env


def read_manifest(folder: Path) -> dict[str, Entry]:
    """Return the archives of a folder, by the names of the homes; none where there is no manifest."""
    path = folder / MANIFEST
    if not path.exists():
        return {}
    try:
        found: dict[str, Entry] = json.loads(path.read_text(encoding="utf-8"))["homes"]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{label(path)}: it is damaged ({error}). Bring it back from a copy of this folder") from error
    return found


def require_folder_of(env: str, folder: Path) -> None:
    """Raise UserError where a folder has the archives of another hub."""
    path = folder / MANIFEST
    owner = json.loads(path.read_text(encoding="utf-8")).get("hub") if path.exists() else chart.name_release(env)
    if owner != chart.name_release(env):
        raise UserError(
            f"{label(path)}: it has the archives of {owner}, not of {chart.name_release(env)}. Choose another TO"
        )


def write_entry(env: str, folder: Path, key: str, entry: Entry) -> None:
    """Write an archive into the manifest."""
    with _writing:
        homes = {**read_manifest(folder), key: entry}
        text = json.dumps({"hub": chart.name_release(env), "homes": dict(sorted(homes.items()))}, indent=1)
        files.write_text(folder / MANIFEST, text + "\n", mode=0o600)


def find_damage(folder: Path, entry: Entry) -> str:
    """Read an archive back, and return what is wrong with it; an empty text where it is what the pod has sent."""
    try:
        with open(folder / entry["file"], "rb") as file:
            digest = hash_file(file)
    except FileNotFoundError:
        return "it is missing"
    return "" if digest == entry["sha256"] else "it is damaged: its bytes are not those that were written"


def require_whole(folder: Path, entry: Entry) -> None:
    """Raise UserError where an archive is not what it was."""
    if damage := find_damage(folder, entry):
        raise UserError(f"{folder / entry['file']}: {damage}. Bring it back from a copy, or archive that home again")


def require_file(folder: Path, entry: Entry, file: str) -> None:
    """Raise UserError where a file or folder is not in an archive."""
    with tarfile.open(folder / entry["file"], "r|gz") as tar:
        names = [info.name for info in tar]
    if not any(name == file or name.startswith(f"{file}/") for name in names):
        close = difflib.get_close_matches(file, names, n=3, cutoff=0.4)
        hint = f". It has {', '.join(map(ascii, close))}" if close else ""
        raise UserError(f"FILE: '{file}' is not in the archive{hint}")


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Let one `make archive` write to a folder at a time."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(folder / ".lock", os.O_WRONLY | os.O_CREAT, 0o600)
    except OSError as error:
        raise UserError(f"{folder}: it cannot be written ({error.strerror}). Choose another folder: TO=…") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for rest in folder.glob("*.part"):
            rest.unlink()
        yield
    except BlockingIOError as error:
        raise UserError(f"{folder}: another `make archive` writes to it. Wait until it has ended") from error
    finally:
        os.close(descriptor)
