"""Put the course's files into the home, then become the server: `fetch_course.py <the server's command>`.

It runs in every student's pod, in the image as it is, so it needs Python and git and nothing else. It does what
nbgitpuller does, in the same folder, so that its links go on from here: what a student has changed stays, what a
student has deleted comes back, and what is new in the course is merged.

A start waits for it a few seconds and never fails because of it.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

# Seconds: a start waits so long, then the server comes up while git goes on; git is stopped after so long.
WAIT = float(os.environ.get("COURSE_CONTENT_WAIT", "15"))
GIVE_UP = float(os.environ.get("COURSE_CONTENT_GIVE_UP", "600"))
AUTHOR = ("-c", "user.name=course files", "-c", "user.email=course-files@localhost")
# A read-only key for a repository that is not public, if config/hub.yaml mounts one.
KEY = Path("/etc/course-key")
SSH = "ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new" + (f" -i {KEY}" if KEY.is_file() else "")
# Nobody is there to type a password.
QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": SSH}


class Folder:
    """The student's copy of the course's repository."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.path = Path.home() / url.rstrip("/").rsplit("/", 1)[-1].rsplit(":", 1)[-1].removesuffix(".git")
        self.until = time.monotonic() + GIVE_UP

    def git(self, *arguments: str, at: "Path | None" = None, given: str = "") -> str:
        """What a git command prints. Raises RuntimeError with its last line of complaint."""
        try:
            done = subprocess.run(
                ["git", *AUTHOR, *arguments],
                cwd=at or self.path,
                env={**os.environ, **QUIET},
                input=given,
                capture_output=True,
                text=True,
                errors="surrogateescape",
                timeout=max(self.until - time.monotonic(), 1),
            )
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"git {arguments[0]} was not done after {GIVE_UP:.0f} seconds") from None
        if done.returncode:
            raise RuntimeError(((done.stderr or done.stdout).strip() or f"git {arguments[0]} failed").splitlines()[-1])
        return done.stdout

    def names(self, *arguments: str) -> "list[str]":
        """The paths that a git command lists."""
        return [name for name in self.git(*arguments, "-z").split("\0") if name]

    def branch(self) -> str:
        """The default branch of the course's repository."""
        for line in self.git("ls-remote", "--symref", "--", self.url, "HEAD", at=Path.home()).splitlines():
            if line.startswith("ref: refs/heads/"):
                return line.split()[1].removeprefix("refs/heads/")
        raise RuntimeError("the repository has no default branch: is it empty?")

    def clone(self, branch: str) -> None:
        """The first time. A clone that is cut short leaves nothing that looks like the course."""
        part = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        arguments = ["--quiet", "--depth", "1", "--branch", branch, "--", self.url, str(part)]
        self.git("clone", *arguments, at=Path.home())
        part.rename(self.path)

    def restore(self, theirs: str) -> None:
        """Bring back deleted files: the course's version, or the student's where the course has deleted it too."""
        gone = set(self.names("ls-files", "--deleted"))
        there = gone & set(self.names("ls-tree", "-r", "--name-only", theirs)) if gone else set()
        for tree, names in ((theirs, there), ("HEAD", gone - there)):
            if names:
                listed = "".join(f"{name}\0" for name in sorted(names))
                self.git("checkout", tree, "--pathspec-from-file=-", "--pathspec-file-nul", given=listed)

    def make_way(self, theirs: str) -> None:
        """Rename what the student has made where the course now has a file of the same name."""
        for name in self.names("diff", "--name-only", "--no-renames", "--diff-filter=A", "HEAD", theirs):
            own = self.path / name
            if own.is_file():
                own.rename(own.with_name(f"{own.stem}__{time.strftime('%Y%m%d%H%M%S')}{own.suffix}"))

    def update(self, branch: str) -> None:
        """Merge what is new. Where both have changed a line, the student's stays."""
        lock = self.path / ".git" / "index.lock"
        if lock.exists() and time.time() - lock.stat().st_mtime > 600:
            lock.unlink()
        theirs = f"refs/remotes/origin/{branch}"
        self.git("fetch", "--quiet", "--", self.url, f"+refs/heads/{branch}:{theirs}")
        self.make_way(theirs)
        self.restore(theirs)
        self.git("reset", "--quiet", "--mixed")
        if self.git("status", "--porcelain", "--untracked-files=no"):
            self.git("commit", "--quiet", "--all", "--message", "What was changed here")
        try:
            self.git("merge", "--quiet", "--strategy-option", "ours", theirs)
        except RuntimeError:
            if not self.names("ls-files", "--unmerged"):
                raise
            # Changed here and deleted in the course: it stays.
            self.git("commit", "--quiet", "--all", "--message", "Kept what was changed here")

    def fetch(self) -> None:
        if self.path.exists() and not (self.path / ".git").is_dir():
            raise RuntimeError(f"{self.path} is there already, and not from the course: rename it to get the course's")
        branch = self.branch()
        if self.path.exists():
            self.update(branch)
        else:
            self.clone(branch)


def fetch(url: str) -> None:
    """Get the files and say in the log how it went; nothing that goes wrong here is worth more than a line."""
    started = time.monotonic()
    try:
        Folder(url).fetch()
        print(f"course files: up to date after {time.monotonic() - started:.1f} seconds", flush=True)
    except Exception as error:
        print(f"course files: left as they are: {error}", flush=True)


def main() -> None:
    if sys.argv[1:] == ["--fetch"]:
        return fetch(os.environ["COURSE_CONTENT"])
    try:
        subprocess.Popen([sys.executable, __file__, "--fetch"], stdin=subprocess.DEVNULL).wait(WAIT)
    except subprocess.TimeoutExpired:
        print(f"course files: still on their way after {WAIT:.0f} seconds; the server starts without them", flush=True)
    except Exception as error:
        print(f"course files: left as they are: {error}", flush=True)
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 (that is what it is for)


if __name__ == "__main__":
    main()
