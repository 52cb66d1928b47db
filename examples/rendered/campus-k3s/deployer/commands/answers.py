"""Let .copier-answers.yml follow what people have edited in config/."""

import argparse

from deployer import answers


def run(_: argparse.Namespace) -> None:
    changed = answers.follow_config()
    for item in changed:
        print(f".copier-answers.yml: {item.key} was '{item.answer}', and is '{item.found}'")
    print("Commit .copier-answers.yml" if changed else ".copier-answers.yml says what config/ says")
