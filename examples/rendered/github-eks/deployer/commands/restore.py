"""Restore homes, or a file, from the archives or a snapshot. Nothing is overwritten."""

import argparse
import posixpath
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from deployer import units
from deployer.cluster import kubectl
from deployer.commands.options import add_environment
from deployer.commands.progress import print_step
from deployer.errors import UserError
from deployer.homes import archives, listing, packing, pods, snapshots
from deployer.homes.archives import Entry
from deployer.homes.listing import Home
from deployer.yaml_files import find_value


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_environment(parser)
    parser.add_argument("--student", default="", help="the student whose archive it is")
    parser.add_argument("--all", action="store_true", help="all students of the folder")
    parser.add_argument("--file", default="", help="only this file or folder of the home")
    parser.add_argument("--as", default="", dest="target", help="another student, who gets it")
    parser.add_argument(
        "--from", default="", dest="source", help="the folder, else one beside the repository; or `snapshot`"
    )


def run(arguments: argparse.Namespace) -> None:
    require_one_choice(arguments)
    kubectl.require_access(arguments.env)
    with open_source(arguments) as (folder, manifest):
        restore_entries(arguments, folder, manifest)


@contextmanager
def open_source(arguments: argparse.Namespace) -> Iterator[tuple[Path, dict[str, Entry]]]:
    """Yield a folder of archives and its manifest. A snapshot, or a home from restic, becomes one first."""
    if snapshots.is_named(arguments.source):
        print_step(f"{arguments.student}: reading the snapshot from a volume that is made of it")
        with snapshots.read_archive(arguments.env, arguments.student, arguments.source) as found:
            yield found
        return
    folder, student = archives.find_folder(arguments.env, arguments.source), arguments.student
    if arguments.source:
        require_one_home(folder, arguments.source)
    if not arguments.source or not student or not folder.is_dir() or (folder / archives.MANIFEST).exists():
        manifest = archives.read_manifest(folder)
        if not manifest:
            raise UserError(f"{folder}: it has no archive. Run `make archive ENV={arguments.env}` first")
        yield folder, manifest
        return
    print_step(f"{folder} has no {archives.MANIFEST}: it is taken as the home of {student}")
    with tempfile.TemporaryDirectory() as name:
        entry = pack_folder(folder, Path(name, "home.tar.gz"))
        entry |= {"student": student, "folder": "", "file": "home.tar.gz", "capacity": "", "archived": kubectl.now()}
        yield Path(name), {student: entry}


def require_one_home(folder: Path, source: str) -> None:
    """Raise UserError where a folder is neither one of archives nor a home: it may have those of all students."""
    if folder.is_file():
        raise UserError(f"FROM: '{source}' is a file. Write the folder that it is in")
    if (folder / archives.MANIFEST).exists():
        return
    if inner := sorted(file.parent.name for file in folder.glob(f"*/{archives.MANIFEST}")):
        raise UserError(f"FROM: '{source}' has archives in folders of it. Write one: FROM={Path(source) / inner[0]}")
    names = [path.name for path in folder.glob("[!.]*")]
    if names and all(name.endswith(".tar.gz") for name in names):
        raise UserError(
            f"FROM: '{source}' has archives of students and no {archives.MANIFEST}. Bring that back from a copy, or "
            "unpack the archive of this student into an empty folder, and write FROM= that one"
        )


def pack_folder(folder: Path, target: Path) -> dict[str, Any]:
    """Write an archive of a folder on this machine, as a pod sends it of a home. Returns what is said of it."""
    with tempfile.TemporaryFile("w+b", buffering=0) as frames, open(target, "wb") as file:
        packing.archive(str(folder), cast(BinaryIO, frames), 0)
        frames.seek(0)
        return pods.Pod("", "", None).read_frames(cast(BinaryIO, frames), file, threading.Event())


def restore_entries(arguments: argparse.Namespace, folder: Path, manifest: dict[str, Entry]) -> None:
    """Restore what the options say from a folder of archives."""
    env, target = arguments.env, arguments.target
    entries = list(manifest.values()) if arguments.all else choose_entries(env, manifest, arguments.student, folder)
    file = normalize_file(env, arguments.file)
    homes = listing.list_homes(env, pods.list_folders(env))
    names = listing.name_missing_homes(env, [target or entry["student"] for entry in entries], homes)
    failures = []
    for number, entry in enumerate(entries, 1):
        student = target or entry["student"]
        try:
            archives.require_whole(folder, entry)
            if file:
                archives.require_file(folder, entry, file)
            if len(entries) == 1 and (new := listing.describe_new_home(env, student, homes, names)):
                print_step(new)
            home = listing.find_or_create_home(env, student, homes, entry, names)
            said = restore_home(env, home, folder, entry, file)
        except UserError as error:
            if len(entries) == 1:
                raise
            said = f"{student}: NOT restored: {error}"
            failures.append(said)
        print_step(f"{number} of {len(entries)}  {said}")
    if failures:
        raise UserError("\n".join([*failures, f"{len(failures)} of {len(entries)} were not restored"]))


def require_one_choice(arguments: argparse.Namespace) -> None:
    """Raise UserError unless the options say one thing."""
    if bool(arguments.student) == arguments.all:
        way = f"`make restore ENV={arguments.env} STUDENT=ada`"
        raise UserError(f"STUDENT: say whose home, such as {way}, or ALL=y for all of the folder")
    if arguments.all and (arguments.target or arguments.file):
        raise UserError("ALL=y restores every home as it was: AS and FILE are for one STUDENT")
    if arguments.all and snapshots.is_named(arguments.source):
        raise UserError("ALL=y restores a folder of archives: FROM=snapshot is for one STUDENT")


def choose_entries(env: str, manifest: dict[str, Entry], student: str, folder: Path) -> list[Entry]:
    """Return the archives of a student: more than one where there are servers with names."""
    found = [entry for key, entry in manifest.items() if student in (entry["student"], key)]
    if not found and listing.is_shared(env):
        # Folders have the names that KubeSpawner makes of students' names.
        name = listing.name_home(env, student)["name"]
        found = [entry for entry in manifest.values() if entry["folder"] == name]
    if not found:
        known = ", ".join(sorted(entry["student"] for entry in manifest.values())[:20]) or "nobody"
        raise UserError(f"{folder}: it has no archive of '{student}'. It has those of {known}")
    return found


def normalize_file(env: str, file: str) -> str:
    """Return the path of a file from the home on, however it was written."""
    mount = find_value(listing.read_storage(env), "homeMountPath") or "/home/jovyan"
    found = posixpath.normpath(re.sub(rf"^(~|{re.escape(str(mount))})/", "", file)) if file else ""
    if found.startswith(("/", "..")) or found == ".":
        raise UserError(f"FILE: '{file}' is not a path in the home. Write one, such as FILE=week-1/exercise.ipynb")
    return found


def restore_home(env: str, home: Home, folder: Path, entry: Entry, file: str) -> str:
    """Restore an archive into a home. Returns what to print."""
    start = time.monotonic()
    with pods.mount_home(env, home, writable=True) as pod:
        counts = pod.restore(folder, entry, file)
    said = f"{home.student}: {units.format_count(counts['written'], 'file')} restored"
    if counts["same"]:
        said += f", {counts['same']} were there already"
    if counts["beside"]:
        said += f"; others are there now, and the archive's are in the folder {counts['folder']}: {counts['beside']}"
    size = units.format_bytes(entry["size"])
    return f"{said}, in {time.monotonic() - start:.0f} s (archive of {entry['archived']}, {size})"
