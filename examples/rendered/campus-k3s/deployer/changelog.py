"""What the CHANGELOG.md of the template says of one version and not of an older one."""

import re
import tempfile
from pathlib import Path

from deployer.markdown import clean, cut, fence
from deployer.process import run

FILE = "CHANGELOG.md"
# Bytes. A request's text on GitHub has at most 65536 characters. To GitLab it travels in a push option, of 65516 bytes.
MOST = 40000
# The short addresses that copier knows.
SHORT = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}


def list_entries(text: str) -> list[str]:
    """Return the headings, paragraphs and items of a list, in their order."""
    return [entry for entry in re.split(r"\n\s*\n|\n(?=[-*+#] ?)", text.strip()) if entry.strip()]


def find_new_entries(old: str, new: str) -> str:
    """Return the entries of a changelog that the old one does not have, below their headings.

    An entry is compared as text: it is not new where a release has put it below another heading.
    """
    known = {" ".join(entry.split()) for entry in list_entries(old)}
    found: list[str] = []
    heading = ""
    for entry in list_entries(new):
        if entry.startswith("#"):
            heading = entry
        elif " ".join(entry.split()) not in known:
            found += [f"\n{heading}\n", entry] if heading else [entry]
            heading = ""
    return "\n".join(found).strip()


def find_address(source: str) -> str:
    """Return the address that git clones, for a template as copier names it."""
    for short, long in SHORT.items():
        if source.startswith(short):
            return f"{long}{source.removeprefix(short).removesuffix('.git')}.git"
    return source.removeprefix("git+")


def describe_news(source: str, old: str, new: str) -> str:
    """Return in Markdown what is new between two versions of a template: tags, or commits as `git describe` names them.

    A template that cannot be read gives a sentence: the update itself is there.
    """
    with tempfile.TemporaryDirectory() as folder:
        # Only the two files are downloaded, not all of the history's content.
        clone = ("clone", "--quiet", "--bare", "--filter=blob:none", "--", find_address(source), folder)
        if run("git", *clone, environ={"GIT_TERMINAL_PROMPT": "0"}).returncode:
            return "The template cannot be cloned again, so its changelog is missing here."
        texts = []
        for version in (old, new):
            commit = run("git", "-C", folder, "rev-parse", "--verify", "--end-of-options", f"{version}^{{commit}}")
            if commit.returncode:
                return f"The template's history does not have {clean(version)!r}, so its changelog is missing here."
            texts.append(read_file(Path(folder), commit.stdout.strip()))
    if not texts[1]:
        return f"The template has no {FILE} in this version."
    if not (entries := clean(find_new_entries(*texts)).strip()):
        return f"{FILE} of the template has no entry for this update."
    return fence(cut(entries, MOST, f"and more: {FILE} of the template"), "text")


def read_file(folder: Path, commit: str) -> str:
    """Return the changelog of a commit, empty where it has none."""
    done = run("git", "-C", folder, "show", f"{commit}:{FILE}")
    return done.stdout if done.returncode == 0 else ""
