"""Print what deploying this working tree would change, against another commit: in words, then as a diff.

Each commit is rendered by its own command, with fake secrets: no cluster and no keys are needed.
"""

import argparse
from datetime import datetime, timezone

from deployer import git, timetable
from deployer.impact.difference import compare_objects
from deployer.impact.sentences import describe_changes, describe_secrets
from deployer.impact.side import render_sides
from deployer.markdown import cut, fence
from deployer.paths import ROOT

# What a comment on GitHub may hold is 65536 characters.
MOST = 55000

GONE = "Nothing deploys {env} any more. Its hub stays there: before the merge, `make destroy ENV={env}` deletes it."
NEW = "The pipeline deploys {env} as well. `make secrets` creates its secrets."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--base", required=True, help="the commit to compare with, such as origin/main")


def run(arguments: argparse.Namespace) -> None:
    commit = git.resolve_commit(arguments.base)
    with git.check_out(commit) as root:
        before = render_sides(root)
    after = render_sides(ROOT)
    by_sentences: dict[tuple[str, ...], list[str]] = {}
    by_diff: dict[str, list[str]] = {}
    for env in dict.fromkeys((*before, *after)):
        if env not in after:
            by_sentences[(GONE.format(env=env),)] = [env]
            continue
        if env not in before:
            by_sentences[(NEW.format(env=env),)] = [env]
            continue
        sentences = [*describe_changes(before[env], after[env]), *describe_secrets(commit, env)]
        by_sentences.setdefault(tuple(dict.fromkeys(sentences)), []).append(env)
        if changes := compare_objects(before[env], after[env]):
            by_diff.setdefault(changes, []).append(env)
    ahead = list(timetable.describe_ahead(dict(after["prod"].values), datetime.now(timezone.utc)))
    print(write_report(by_sentences, by_diff, ahead))


def write_report(
    by_sentences: dict[tuple[str, ...], list[str]], by_diff: dict[str, list[str]], ahead: list[str]
) -> str:
    """Return the report in Markdown: environments with the same changes stand together."""
    text = []
    for sentences, envs in by_sentences.items():
        text.append(f"### {' and '.join(envs)}\n")
        differs = any(env in names for names in by_diff.values() for env in envs)
        nothing = "Nobody notices anything: see the diff." if differs else "Nothing changes in the cluster."
        text += [f"- {line}" for line in sentences or [nothing]]
        text.append("")
    if ahead:
        text += ["### The next two weeks\n", *(f"- {line}" for line in ahead), ""]
    for changes, envs in by_diff.items():
        kept = cut(changes, MOST // len(by_diff), "and more: `make impact` on your computer shows all of it")
        text.append(f"<details><summary>The objects of {' and '.join(envs)}, secrets redacted</summary>\n")
        text.append(f"{fence(kept, 'diff')}\n\n</details>\n")
    return "\n".join(text)
