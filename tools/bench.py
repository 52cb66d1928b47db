#!/usr/bin/env python3
"""Measure what the template's syntax costs: each engine on the whole tree, and on one without any of it.

The plain tree has as many files and bytes, the same questions, validation and hooks. Every figure is the best of
several runs of the same process, the two trees taking turns, so that the ratio is that of one run.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import copier
from cookiecutter.main import cookiecutter

TEMPLATE = Path(__file__).resolve().parent.parent
TREE = "<<cookiecutter.hub_name>>"
RUNS = 7


def whole(folder: Path) -> Path:
    """The template without its own repository."""
    for name in ("cookiecutter.json", "copier.yml"):
        shutil.copy2(TEMPLATE / name, folder / name)
    for name in (TREE, "templates", "hooks"):
        shutil.copytree(TEMPLATE / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def plain(folder: Path) -> Path:
    """The same with every file of the tree replaced by as many bytes of text with no syntax in it."""
    whole(folder)
    line = "A line of text that is as long as such lines are on average.\n"
    for path in (folder / TREE).rglob("*"):
        if path.is_file() and path.name != ".copier-answers.yml":
            size = path.stat().st_size
            path.write_text((line * (size // len(line) + 1))[:size], encoding="utf-8")
    return folder


def by_cookiecutter(template: Path, folder: Path) -> None:
    config = folder / "config.yaml"
    config.write_text(json.dumps({"replay_dir": str(folder), "cookiecutters_dir": str(folder)}), encoding="utf-8")
    cookiecutter(str(template), no_input=True, config_file=str(config), output_dir=str(folder))


def by_copier(template: Path, folder: Path) -> None:
    copier.run_copy(str(template), folder / "data-science-hub", defaults=True, quiet=True)


def seconds(engine: Callable[[Path, Path], None], template: Path) -> float:
    """How long an engine takes for a template, in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        engine(template, Path(folder))
        return time.perf_counter() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        templates = whole(Path(one)), plain(Path(two))
        for name, engine in (("cookiecutter", by_cookiecutter), ("copier", by_copier)):
            times = [[seconds(engine, template) for template in templates] for _ in range(RUNS)]
            tree, text = (min(column) for column in zip(*times, strict=True))
            print(f"{name}: {tree:.2f} s, without template syntax {text:.2f} s, ratio {tree / text:.2f} (goal: 1.5)")


if __name__ == "__main__":
    main()
