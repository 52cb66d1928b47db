"""Send a home as tar.gz. Runs in the pod beside the volume (see agent.py)."""

import gzip
import hashlib
import json
import os
import stat
import struct
import tarfile
import time
from typing import Any, BinaryIO

from deployer.homes.tree import BLOCK, compute_state, describe_content, list_entries


class Frames:
    """Sends blocks with their lengths, no faster than a limit, and counts what it sends."""

    def __init__(self, stream: BinaryIO, limit: float) -> None:
        """Send to a stream; `limit` is in bytes a second, 0 for none."""
        self.stream, self.limit, self.sent = stream, limit, 0
        self.digest, self.start, self.pending = hashlib.sha256(), time.monotonic(), bytearray()

    def write(self, block: bytes) -> int:
        """Send a block, or keep it until there are enough bytes."""
        self.pending += block
        if len(self.pending) >= BLOCK:
            self.flush()
        return len(block)

    def flush(self) -> None:
        """Send what was kept."""
        if not self.pending:
            return
        self.stream.write(struct.pack(">I", len(self.pending)) + self.pending)
        self.stream.flush()
        self.digest.update(self.pending)
        self.sent += len(self.pending)
        self.pending.clear()
        if self.limit:
            time.sleep(max(0.0, self.sent / self.limit - (time.monotonic() - self.start)))

    def finish(self, result: dict[str, Any]) -> None:
        """Send the result behind a length of 0."""
        text = json.dumps({**result, "sha256": self.digest.hexdigest(), "bytes": self.sent}).encode()
        self.stream.write(struct.pack(">II", 0, len(text)) + text)
        self.stream.flush()


class Content:
    """A file of exactly the size that its header says, though a student may write to it meanwhile; with its digest."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        """Read so many bytes of a file."""
        self.file, self.left, self.digest = file, size, hashlib.sha256()

    def read(self, count: int = -1) -> bytes:
        """Return the next bytes: zeros where the file has become shorter."""
        count = self.left if count < 0 else min(count, self.left)
        block = self.file.read(count)
        block += bytes(count - len(block))
        self.left -= count
        self.digest.update(block)
        return block


def archive(root: str, stream: BinaryIO, limit: float) -> None:
    """Send a home as tar.gz, in frames, with what is in it. The same content makes the same bytes."""
    frames, content, unreadable = Frames(stream, limit), hashlib.sha256(), list[str]()
    before, files, size = compute_state(root), 0, 0
    with (
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=frames, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path, status in list_entries(root, unreadable.append):
            info = tarfile.TarInfo(path)
            info.mode, info.mtime, digest = stat.S_IMODE(status.st_mode), int(status.st_mtime), ""
            info.uid, info.gid = status.st_uid, status.st_gid
            try:
                if stat.S_ISDIR(status.st_mode):
                    info.type = tarfile.DIRTYPE
                    tar.addfile(info)
                elif stat.S_ISLNK(status.st_mode):
                    info.type, info.linkname = tarfile.SYMTYPE, os.readlink(os.path.join(root, path))
                    digest = info.linkname
                    tar.addfile(info)
                else:
                    descriptor = os.open(os.path.join(root, path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
                    with open(descriptor, "rb") as file:
                        info.size = os.fstat(descriptor).st_size
                        body = Content(file, info.size)
                        tar.addfile(info, body)
                    files, size, digest = files + 1, size + info.size, body.digest.hexdigest()
            except FileNotFoundError:
                continue
            except PermissionError:
                unreadable.append(path)
                continue
            content.update(describe_content(path, status.st_mode, info.size, digest))
    frames.flush()
    changed = compute_state(root) != before
    result = {"files": files, "size": size, "content": content.hexdigest(), "state": before}
    frames.finish({**result, "changed": changed, "unreadable": unreadable})
