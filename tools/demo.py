#!/usr/bin/env python3
"""Write a hub repository with the default answers under build/, check it, and let the robot student use its hub.

Needs Python, git, make and the package registries, and nothing that is installed: it prints from the first second.
The packages that it installs stay for the next time. With --open the hub runs on until Ctrl-C.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import fetch_helm

TEMPLATE = Path(__file__).resolve().parent.parent
BUILD = TEMPLATE / "build"
REPOSITORY = BUILD / "data-science-hub"
WRITE = (
    "import sys; from cookiecutter.main import cookiecutter; "
    "cookiecutter(sys.argv[1], no_input=True, default_config=True, output_dir=sys.argv[2], overwrite_if_exists=True)"
)


class StepError(Exception):
    """A step that failed. The text says which command."""


def run(*command: str | Path, folder: Path = TEMPLATE) -> None:
    """Run a command that prints what it does. Raises StepError if it fails."""
    if subprocess.run(command, cwd=folder).returncode:
        raise StepError(f"`{' '.join(map(str, command[:4]))}` failed in {folder}; it says above why")


def make(*arguments: str) -> None:
    """Run a command of the generated repository."""
    run("make", "--no-print-directory", *arguments, folder=REPOSITORY)


def find_python() -> Path:
    """Return a Python that has cookiecutter: that of `make .venv`, else one with only cookiecutter, made now."""
    if (TEMPLATE / ".venv" / "complete").is_file():
        return TEMPLATE / ".venv" / "bin" / "python"
    listed = (TEMPLATE / "tests" / "requirements.txt").read_text(encoding="utf-8")
    (pin,) = re.findall(r"^cookiecutter==\S+$", listed, re.MULTILINE)
    folder = BUILD / str(pin)
    if not (folder / "complete").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        run(sys.executable, "-m", "venv", folder)
        run(folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", pin)
        (folder / "complete").touch()
    return folder / "bin" / "python"


def generate() -> None:
    """Write the repository again. Its .venv stays, and is complete as long as its lock is the same."""
    BUILD.mkdir(exist_ok=True)
    python = find_python()
    lock, kept = REPOSITORY / "deployer" / "requirements.lock", REPOSITORY / ".venv"
    before = lock.read_bytes() if lock.is_file() else b""
    for path in REPOSITORY.iterdir() if REPOSITORY.is_dir() else ():
        if path != kept:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    run(python, "-c", WRITE, TEMPLATE, BUILD)
    if (kept / "complete").is_file() and lock.read_bytes() == before:
        (kept / "complete").touch()


def check() -> None:
    """Run `make check`, without the chart where it cannot be had."""
    os.environ["HELM"] = str(fetch_helm.find())
    ask = [".venv/bin/python", "-m", "deployer", "find-chart"]
    found = subprocess.run(ask, cwd=REPOSITORY, capture_output=True, text=True)
    if found.returncode:
        print(f"{found.stderr.strip()}\nSo this demo checks without the chart.", flush=True)
    make("check", *(["OFFLINE=1"] if found.returncode else []))


def main() -> None:
    """Run the steps, and print the seconds of each at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", action="store_true", help="let the hub run on")
    arguments = parser.parse_args()
    steps: list[tuple[str, Callable[[], None]]] = [
        ("write the repository with the default answers", generate),
        ("make .venv: the packages of its commands", lambda: make(".venv")),
        ("make check: lint, render, validate", check),
        ("make try ROBOT=1: a hub, and a robot that uses it as a student does", lambda: make("try", "ROBOT=1")),
    ]
    times: list[tuple[str, float, str]] = []
    failure = ""
    for name, step in steps:
        print(f"\n== {name}", flush=True)
        start = time.monotonic()
        try:
            step()
        except StepError as error:
            failure = str(error)
        times.append((name, time.monotonic() - start, "FAILED" if failure else "ok"))
        if failure:
            break
    print()
    for name, seconds, result in times:
        print(f"{result:6} {seconds:6.1f} s  {name}")
    took = sum(seconds for _, seconds, _ in times)
    print(f"{'FAILED' if failure else 'ok':6} {took:6.1f} s  in all; the repository is {REPOSITORY}")
    if failure:
        sys.exit(failure)
    if arguments.open:
        print(flush=True)
        os.chdir(REPOSITORY)
        os.execvp("make", ["make", "--no-print-directory", "try"])  # noqa: S606 (that is what it is for)
    print("Look at it: `make demo OPEN=1`, or `make try` in the repository.")


if __name__ == "__main__":
    main()
