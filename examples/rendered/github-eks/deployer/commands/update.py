"""Update from the template, and print what that brings, as the text of a request for review.

The names of this module are imported before copier replaces the files of this package.
"""

import argparse

import yaml

from deployer import git
from deployer.changelog import describe_news
from deployer.copier import ANSWERS, run_copier
from deployer.markdown import clean, cut, fence
from deployer.paths import label, list_files
from deployer.process import run as run_program
from deployer.yaml_files import find_conflicts, read_mapping

# Bytes of the words of `make impact`.
MOST = 10000


def run(_: argparse.Namespace) -> None:
    commit = git.require_clean_worktree()
    before = read_mapping(ANSWERS)
    run_copier("update", "--defaults", "--conflict", "inline")
    # Beside a conflict it may be unreadable, and the request says so.
    try:
        after = yaml.safe_load(ANSWERS.read_text("utf-8")) or {}
    except yaml.YAMLError:
        after = {}
    print(write_request(before, after, commit))


def write_request(before: dict[str, str], after: dict[str, str], commit: str) -> str:
    """Return what an update brings, in Markdown: its conflicts, the template's changelog, and what a merge will do."""
    old, new = (clean(str(found.get("_commit") or "")) for found in (before, after))
    if old and old == new:
        return f"The template has nothing newer than {fence_word(new)}, at which this repository is."
    text = ["What `copier update` brings. docs/updates.md says how to review it.\n"]
    files = [label(file) for file in list_files() if find_conflicts(file)]
    if files:
        text += ["### Conflicts to decide\n", fence("\n".join(files), "text"), ""]
    text.append("### What is new in the template\n")
    if not old or not new:
        text.append("`.copier-answers.yml` does not name the template's version, so its changelog is missing here.")
    else:
        text.append(f"From {fence_word(old)} to {fence_word(new)}:\n")
        text.append(describe_news(str(before.get("_src_path", "")), old, new))
    text += ["", "### What a merge will do (`make impact`)\n", describe_impact(commit)]
    return "\n".join(text)


def fence_word(word: str) -> str:
    """Return a word as code."""
    return f"`{word.replace('`', '?')}`"


def describe_impact(commit: str) -> str:
    """Return the words of `make impact`, by the code that the update has brought, or why there are none."""
    done = run_program("make", "--silent", "--no-print-directory", "impact", f"BASE={commit}")
    if done.returncode:
        lines = [line for line in clean(done.stderr).strip().splitlines() if not line.startswith("make")]
        reason = "\n".join(lines[:20])
        return f"It cannot say so yet:\n\n{fence(cut(reason, MOST, 'and more'), 'text')}"
    words = clean(done.stdout.partition("<details>")[0]).splitlines()
    # Headings and items. No other line: one that begins with a slash would be a command to GitLab.
    lines = [f"#{line}" if line.startswith("### ") else line for line in words if line.startswith(("### ", "- "))]
    return cut("\n".join(lines), MOST, "and more: `make impact BASE=HEAD^`") or "Nothing changes in the cluster."
