"""The git tree of a folder as it stands in the working tree: its hash, and its files.

It needs no commit and leaves no trace in the repository: index and objects are temporary.
"""

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def git(root: Path, *arguments: str, **environ: str) -> bytes:
    """What git prints. Raises subprocess.CalledProcessError."""
    command = ["git", "-C", root, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, env={**os.environ, **environ}).stdout


@contextmanager
def _written(root: Path, folder: str) -> Iterator[tuple[str, dict[str, str]]]:
    """A tree's hash, and the environment in which git knows the tree."""
    with tempfile.TemporaryDirectory() as temporary:
        index = Path(temporary) / "index"
        if (root / ".git").exists():
            objects = Path(temporary) / "objects"
            objects.mkdir()
            paths = git(root, "rev-parse", "--git-path", "index", "--git-path", "objects").decode().split("\n")
            if (root / paths[0]).exists():
                shutil.copy(root / paths[0], index)
            environ = {
                "GIT_OBJECT_DIRECTORY": str(objects),
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": str((root / paths[1]).resolve()),
            }
        else:
            git(root, "init", "--quiet", "--bare", f"{temporary}/git")
            environ = {"GIT_DIR": f"{temporary}/git", "GIT_WORK_TREE": str(root)}
        environ["GIT_INDEX_FILE"] = str(index)
        git(root, "add", "--all", "--", folder, **environ)
        yield git(root, "write-tree", f"--prefix={folder}/", **environ).decode().strip(), environ


def tree_hash(root: Path, folder: str) -> str:
    """The hash that git gives the folder once its present content is committed."""
    with _written(root, folder) as (tree, _):
        return tree


def extract(root: Path, folder: str, target: Path) -> str:
    """Write the files that the hash covers, and no others, below `target`. Returns the hash."""
    with _written(root, folder) as (tree, environ):
        archive = git(root, "archive", "--format=tar", tree, **environ)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(target)  # noqa: S202 - git's own archive of our own files
    return tree
