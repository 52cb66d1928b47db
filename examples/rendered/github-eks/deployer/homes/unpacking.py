"""Write an archive into a home. Runs in the pod beside the volume (see agent.py)."""

import filecmp
import gzip
import hashlib
import os
import shutil
import stat
import tarfile
from typing import Any, BinaryIO

from deployer.homes.tree import BLOCK, STAGING, compute_content, list_entries


class Hashing:
    """A stream that is read once, with its digest."""

    def __init__(self, stream: BinaryIO) -> None:
        """Read from a stream."""
        self.stream, self.digest = stream, hashlib.sha256()

    def read(self, count: int = -1) -> bytes:
        """Return the next bytes."""
        block = self.stream.read(count)
        self.digest.update(block)
        return block


def copy_sparsely(source: BinaryIO, target: BinaryIO, size: int) -> None:
    """Copy a file, and leave out blocks of zeros: a sparse file stays one."""
    while block := source.read(BLOCK):
        if block.strip(b"\0"):
            target.write(block)
        else:
            target.seek(len(block), os.SEEK_CUR)
    target.truncate(size)


def extract(stream: BinaryIO, folder: str, only: str) -> str:
    """Write the entries of a tar.gz into an empty folder, or only one of them. Returns the digest of the stream."""
    source = Hashing(stream)
    packed = gzip.GzipFile(fileobj=source, mode="rb")  # type: ignore[call-overload]
    links, modes = [], []
    with tarfile.open(fileobj=packed, mode="r|") as tar:
        for info in tar:
            if info.name.startswith("/") or ".." in info.name.split("/"):
                raise ValueError(f"{info.name!r} leads out of the home: this archive is not one of `make archive`")
            if only and info.name != only and not info.name.startswith(f"{only}/"):
                continue
            path = os.path.join(folder, info.name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            body = tar.extractfile(info) if info.isreg() else None
            if info.isdir():
                os.makedirs(path, exist_ok=True)
                modes.append((path, info.mode))
            elif info.issym():
                # At the end: nothing is written through a link.
                links.append((path, info.linkname))
            elif body:
                with open(path, "xb") as file:
                    copy_sparsely(body, file, info.size)  # type: ignore[arg-type]
                os.chmod(path, info.mode & 0o777)
                os.utime(path, (info.mtime, info.mtime))
    while packed.read(BLOCK):
        pass
    while source.read(BLOCK):
        pass
    for path, target in links:
        os.symlink(target, path)
    for path, mode in reversed(modes):
        os.chmod(path, mode & 0o777 | stat.S_IRWXU)
    return source.digest.hexdigest()


def is_same(one: str, other: str) -> bool:
    """Return whether two entries are files of the same content, or the same link."""
    if os.path.islink(one) or os.path.islink(other):
        return os.path.islink(one) and os.path.islink(other) and os.readlink(one) == os.readlink(other)
    return os.path.isfile(other) and filecmp.cmp(one, other, shallow=False)


def merge(staged: str, root: str, beside: str) -> dict[str, int]:
    """Move files into a home. What is there and differs stays; the archive's version goes to the folder `beside`."""
    counts = {"written": 0, "same": 0, "beside": 0}
    occupied: set[str] = set()
    for path, status in list_entries(staged):
        parent = os.path.dirname(path)
        source, target = os.path.join(staged, path), os.path.join(root, path)
        if stat.S_ISDIR(status.st_mode):
            free = parent not in occupied and not os.path.lexists(target)
            if free:
                os.mkdir(target)
                os.chmod(target, stat.S_IMODE(status.st_mode))
            elif parent in occupied or os.path.islink(target) or not os.path.isdir(target):
                occupied.add(path)
            continue
        if parent not in occupied and not os.path.lexists(target):
            os.rename(source, target)
            counts["written"] += 1
        elif parent not in occupied and is_same(source, target):
            counts["same"] += 1
        else:
            target = os.path.join(root, beside, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.rename(source, target)
            counts["beside"] += 1
    return counts


def restore(root: str, stream: BinaryIO, expected: dict[str, str]) -> dict[str, Any]:
    """Write an archive into a home: all of it or nothing, and over nothing. Returns what became of the files."""
    staged = os.path.join(root, STAGING)
    shutil.rmtree(staged, ignore_errors=True)
    os.mkdir(staged)
    try:
        if extract(stream, staged, expected["only"]) != expected["sha256"]:
            raise ValueError("the archive did not arrive whole: run the command again")
        if expected["only"] and not os.path.lexists(os.path.join(staged, expected["only"])):
            raise ValueError(f"{expected['only']} is not in this archive")
        if not expected["only"] and compute_content(staged) != expected["content"]:
            raise ValueError("the volume returns other bytes than were written to it")
        beside, number = expected["beside"], 1
        while os.path.lexists(os.path.join(root, beside)):
            number += 1
            beside = f"{expected['beside']}-{number}"
        counts = merge(staged, root, beside)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return {**counts, "folder": beside}
