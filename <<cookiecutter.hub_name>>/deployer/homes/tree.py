"""The files of a home, and digests of them. Runs in the pod beside the volume (see agent.py)."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from typing import BinaryIO

BLOCK = 2**20
# Where a restore puts files until all of them are here. Never part of an archive.
STAGING = ".restoring"
Entry = tuple[str, os.stat_result]


def list_entries(root: str, skip: Callable[[str], None] = lambda name: None) -> Iterator[Entry]:
    """Yield files, folders and links below a folder, sorted by name, with their paths from there. Follows no link."""
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            names = sorted(os.listdir(os.path.join(root, folder)))
        except OSError:
            skip(folder)
            continue
        found = []
        for name in names:
            path = os.path.join(folder, name)
            if path in (STAGING, "lost+found"):
                continue
            try:
                status = os.lstat(os.path.join(root, path))
            except FileNotFoundError:
                continue
            kind = stat.S_IFMT(status.st_mode)
            if kind == stat.S_IFDIR:
                found.append(path)
            # A socket or a pipe is of no use to another process.
            if kind in (stat.S_IFDIR, stat.S_IFREG, stat.S_IFLNK):
                yield path, status
        folders += reversed(found)


def encode_line(*parts: object) -> bytes:
    """Return a line of a digest."""
    return "\0".join(map(str, parts)).encode("utf-8", "surrogateescape") + b"\n"


def compute_state(root: str) -> str:
    """Return a digest that changes with every change in a home. It reads no content, so it is quick."""
    digest = hashlib.sha256()
    for path, status in list_entries(root):
        link = os.readlink(os.path.join(root, path)) if stat.S_ISLNK(status.st_mode) else ""
        digest.update(encode_line(path, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns, link))
    return digest.hexdigest()


def describe_content(path: str, mode: int, size: int, digest: str) -> bytes:
    """Return the line of an entry in the digest of a home's content. The modes of folders are the volume's matter."""
    kind = stat.S_IFMT(mode)
    return encode_line(path, kind, 0 if kind != stat.S_IFREG else mode & 0o777, size, digest)


def compute_content(root: str) -> str:
    """Return the digest of a home's content, from what the volume holds. It equals that of its archive."""
    content = hashlib.sha256()
    for path, status in list_entries(root):
        digest, size, name = "", 0, os.path.join(root, path)
        if stat.S_ISLNK(status.st_mode):
            digest = os.readlink(name)
        elif stat.S_ISREG(status.st_mode):
            size = status.st_size
            with open(name, "rb") as file:
                digest = hash_file(file)
        content.update(describe_content(path, status.st_mode, size, digest))
    return content.hexdigest()


def hash_file(file: BinaryIO) -> str:
    """Return the digest of the rest of a file."""
    digest = hashlib.sha256()
    while block := file.read(BLOCK):
        digest.update(block)
    return digest.hexdigest()
