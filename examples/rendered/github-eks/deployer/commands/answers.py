"""Let .copier-answers.yml follow what people have edited in config/."""

import argparse

from deployer import answers, seats
from deployer.course import read_course

# The answers from which the template has computed course.node: a number of its own, which does not follow them.
SIZES = {"students", "peak_students", "memory_guarantee", "memory_limit"}


def run(_: argparse.Namespace) -> None:
    changed = answers.follow_config()
    for item in changed:
        print(f".copier-answers.yml: {item.key} was '{item.answer}', and is '{item.found}'")
    if SIZES & {item.key for item in changed}:
        course = read_course("prod")
        print("\n".join(filter(None, [*seats.describe_demand(course), seats.find_excess(course)])))
    print("Commit .copier-answers.yml" if changed else ".copier-answers.yml says what config/ says")
