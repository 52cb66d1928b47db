"""The answers in .copier-answers.yml, held against config/, which is what runs.

copier renders the repository from the answers, and takes what differs for its owners' edits. An answer that config/
contradicts gives a conflict as soon as the template or another answer touches that line.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from deployer import copier, files, git
from deployer.paths import CONFIG, IMAGE
from deployer.process import read_output
from deployer.values import list_hosts
from deployer.yaml_files import find_value, read_mapping, read_text

MEMORY = re.compile(r"[1-9][0-9]{0,5}[KMGT]")
SINGLEUSER = ("jupyterhub", "singleuser")


class Difference(NamedTuple):
    """An answer, and what config/ says in its place."""

    key: str
    answer: str
    found: str


def read_config() -> dict[str, str]:
    """Return the answers that config/ gives, of those that it has one value for."""
    hub, prod = read_mapping(CONFIG / "hub.yaml"), read_mapping(CONFIG / "prod.yaml")
    course = find_value(hub, "course") or {}
    found = {
        "course_title": course.get("title"),
        "contact_email": course.get("contact"),
        "hub_domain": next(iter(list_hosts(prod)), None),
        "students": course.get("students"),
        "peak_students": course.get("peak"),
        "timezone": find_value(course, "calendar", "timezone"),
        "class_times": join_classes(find_value(course, "calendar", "classes")),
        "term_ends": find_value(course, "calendar", "termEnds"),
        "image_name": find_value(hub, *SINGLEUSER, "image", "name") if IMAGE.is_dir() else None,
    }
    for key in "limit", "guarantee":
        memory = find_value(hub, *SINGLEUSER, "memory", key)
        # JupyterHub reads more forms than the question takes.
        found[f"memory_{key}"] = memory if MEMORY.fullmatch(str(memory)) else None
    return {key: str(value) for key, value in found.items() if value is not None}


def join_classes(classes: Any) -> str | None:
    """Return the answer that the classes of every week would have; None where there are others, or another form."""
    try:
        return ", ".join(f"{day} {lecture['start']}-{lecture['end']}" for lecture in classes for day in lecture["days"])
    except (KeyError, TypeError):
        return None


def normalize(key: str, value: str) -> str:
    """Return a value without the blanks and capitals in which two spellings of it can differ."""
    return re.sub(r"\s*,\s*", ", ", value.strip().lower()) if key == "class_times" else value


def list_differences() -> list[Difference]:
    """Return the answers that config/ contradicts."""
    if not copier.ANSWERS.is_file():
        return []
    answers, config = copier.read_answers(), read_config()
    return [
        Difference(key, answer, config[key])
        for key, answer in answers.items()
        if key in config and normalize(key, answer) != normalize(key, config[key])
    ]


def follow_config() -> list[Difference]:
    """Write what config/ says into .copier-answers.yml. Returns what was changed."""
    text = read_text(copier.ANSWERS)
    differences = list_differences()
    for key, _, found in differences:
        line = "{}: '{}'".format(key, found.replace("'", "''"))
        text = re.sub(rf"^{key}: .*$", line.replace("\\", r"\\"), text, flags=re.M)
    files.write_text(copier.ANSWERS, text)
    return differences


@contextmanager
def change(given: Mapping[str, str], asked: Collection[str], ask: bool) -> Iterator[None]:
    """Let new answers change the working tree, and the caller go on there. The tree is as it was where that fails.

    `asked` are the answers that are asked for where they are not given; all others stay.
    """
    start = git.find_head()
    try:
        if follow_config():
            git.commit_all("Let the answers follow config/")
        kept = {key: value for key, value in copier.read_answers().items() if not ask or key not in asked}
        copier.update_answers({**kept, **given}, ask)
        yield
    except BaseException:
        git.take_back(start)
        raise
    read_output("git", "reset", "--quiet", start)
