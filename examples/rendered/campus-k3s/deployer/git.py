"""What the deployer asks git: commits, worktrees, and the tree hash of a folder."""

import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deployer.errors import UserError
from deployer.paths import ROOT
from deployer.process import read_output, run


def find_head() -> str:
    """Return the commit that is checked out; an empty text where there is none."""
    done = run("git", "rev-parse", "--verify", "--quiet", "HEAD")
    return done.stdout.strip() if done.returncode == 0 else ""


def require_clean_worktree() -> str:
    """Return the commit that is checked out. Raises UserError where the working tree is not that commit."""
    head = find_head()
    if not head:
        raise UserError("there is no commit yet. Make one: `git init`, `git add .`, `git commit`")
    if changed := read_output("git", "status", "--porcelain").rstrip():
        raise UserError(f"the working tree is not what is committed. Commit or stash these changes:\n{changed}")
    return head


def commit_all(message: str, folder: Path = ROOT) -> None:
    """Commit all files of a repository, for a step that needs a clean one; the caller takes the commit back."""
    name = {f"GIT_{who}_{what}": "deployer" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    read_output("git", "-C", folder, "add", "--all")
    read_output("git", "-C", folder, "commit", "--quiet", "--no-verify", "--message", message, environ=name)


def take_back(commit: str) -> None:
    """Make the working tree that of a commit again, without the files that came since."""
    read_output("git", "reset", "--quiet", "--hard", commit)
    read_output("git", "clean", "--quiet", "-d", "--force")


def resolve_commit(ref: str) -> str:
    """Return the commit that a name means."""
    done = run("git", "rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}")
    if done.returncode == 0:
        return done.stdout.strip()
    if "not a git repository" in done.stderr:
        raise UserError("this folder is not a git repository yet: run `git init`, commit, then this again")
    raise UserError(f"BASE: there is no commit '{ref}'. Write the one to compare with, such as `make impact BASE=main`")


def is_ancestor(older: str, newer: str) -> bool:
    """Return whether a commit has another one in its history. A commit that is not in this checkout is in none."""
    return run("git", "merge-base", "--is-ancestor", older, newer).returncode == 0


def describe_commit(commit: str) -> str:
    """Return a commit as people know it: its short hash and its subject."""
    if not commit:
        return "no commit known: deployed by hand"
    done = run("git", "log", "-1", "--format=%h %s", commit)
    return done.stdout.strip() if done.returncode == 0 else f"{commit[:9]} (not in this checkout)"


def read_committed(commit: str, path: str) -> str:
    """Return a file of a commit; an empty text where the commit does not have it."""
    done = run("git", "show", f"{commit}:{path}")
    return done.stdout if done.returncode == 0 else ""


@contextmanager
def check_out(commit: str) -> Iterator[Path]:
    """Yield a folder with the files of a commit, and remove it at the end."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "commit")
        read_output("git", "worktree", "add", "--quiet", "--detach", root, commit)
        try:
            yield root
        finally:
            run("git", "worktree", "remove", "--force", root)


@contextmanager
def write_tree(folder: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the tree hash of a folder as it is in the working tree, and the environment in which git knows the tree.

    The index is temporary, so that nothing becomes staged. Where there is no repository, a temporary one does.
    """
    with tempfile.TemporaryDirectory() as temporary:
        environ = {"GIT_INDEX_FILE": f"{temporary}/index"}
        if (ROOT / ".git").exists():
            index = ROOT / read_output("git", "rev-parse", "--git-path", "index").strip()
            if index.exists():
                shutil.copy(index, environ["GIT_INDEX_FILE"])
        else:
            read_output("git", "init", "--quiet", "--bare", f"{temporary}/git")
            environ |= {"GIT_DIR": f"{temporary}/git", "GIT_WORK_TREE": str(ROOT)}
        read_output("git", "add", "--all", "--", folder, environ=environ)
        yield read_output("git", "write-tree", f"--prefix={folder}/", environ=environ).strip(), environ


def hash_tree(folder: str) -> str:
    """Return the hash that git gives a folder once its present content is committed."""
    with write_tree(folder) as (tree, _):
        return tree


def extract_tree(folder: str, target: Path) -> str:
    """Write the files that the tree hash of a folder covers, and no others, below a target. Returns the hash."""
    with write_tree(folder) as (tree, environ), tempfile.NamedTemporaryFile() as archive:
        read_output("git", "archive", "--format=tar", f"--output={archive.name}", tree, environ=environ)
        # Not a checkout: an archive has the same modes under every umask, and so has the image.
        with tarfile.open(archive.name) as packed:
            packed.extractall(target)  # noqa: S202 - git's own archive of our own files
    return tree
