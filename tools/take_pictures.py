#!/usr/bin/env python3
"""Take the pictures in docs/images/ from `make try` of a course: sign-in, a choice of servers, JupyterLab, a stand-in.

`make pictures` runs it. It needs Chromium. The course is made up here, so that the pictures need no other repository.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import browser
import yaml
from cookiecutter.main import cookiecutter

TEMPLATE = Path(__file__).resolve().parent.parent
IMAGES = TEMPLATE / "docs" / "images"
CONTENT = "https://git.example.edu/statistics.git"
ANSWERS = {"course_title": "Statistics 101", "hub_name": "statistics", "course_content": CONTENT}
PROVIDER = {
    "sign_in": "github",
    "sign_in_allow": "statistics-101",
    "admin_users": "ada-l",
    "hub_domain": "hub.example.edu",
}
CELLS = [
    "import matplotlib.pyplot as plt\nimport numpy as np\n\nrng = np.random.default_rng(101)",
    "throws = rng.integers(1, 7, size=(10_000, 2)).sum(axis=1)\n"
    "plt.figure(figsize=(6, 2.6))\n"
    "plt.hist(throws, bins=np.arange(1.5, 13), rwidth=0.8)\nplt.xlabel('sum of two dice')\nplt.show()",
]
PROFILES = [
    {"display_name": "For the lectures", "description": "2 GB of memory", "default": True},
    {
        "display_name": "For the project",
        "description": "4 GB of memory: please stop it when you are done",
        "kubespawner_override": {"mem_limit": "4G"},
    },
]
# Most pages of the hub are short.
TOP: Any = {"x": 0, "y": 0, "width": 1200, "height": 460}


def write_notebook(path: Path) -> None:
    """Write the notebook of the course."""
    text: dict[str, Any] = {"cell_type": "markdown", "id": "title", "metadata": {}, "source": "# Week 1: two dice"}
    cells = [text] + [
        {
            "cell_type": "code",
            "id": f"cell-{n}",
            "metadata": {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for n, source in enumerate(CELLS)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}}
    path.write_text(json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}), "utf-8")


def write_course(folder: Path) -> None:
    """Write the course's files as a repository of git."""
    folder.mkdir()
    write_notebook(folder / "week-1.ipynb")
    write_notebook(folder / "week-2.ipynb")
    (folder / "data").mkdir()
    (folder / "data" / "dice.csv").write_text("first,second\n1,6\n", "utf-8")
    (folder / "README.md").write_text("# Statistics 101\n", "utf-8")
    author = ["-c", "user.name=course", "-c", "user.email=course@example.edu"]
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "--all"],
        ["commit", "--quiet", "-m", "Week 1"],
    ):
        subprocess.run(["git", *author, *command], cwd=folder, check=True)


def write_hub(folder: Path, answers: dict[str, str], course: Path) -> Path:
    """Write the repository of a hub, with the course's files from this machine and two servers to choose from."""
    folder.mkdir()
    hub = Path(
        cookiecutter(str(TEMPLATE), no_input=True, default_config=True, extra_context=answers, output_dir=folder)
    )
    path = hub / "config" / "hub.yaml"
    values = yaml.safe_load(path.read_text("utf-8").replace(CONTENT, course.as_uri()))
    values["jupyterhub"]["singleuser"]["profileList"] = PROFILES
    path.write_text(yaml.safe_dump(values), "utf-8")
    return hub


@contextmanager
def try_hub(hub: Path) -> Iterator[tuple[str, str]]:
    """Run `make try`, as long as it is needed. Its link, and what it printed."""
    log = hub.parent / "log"
    with log.open("w", encoding="utf-8") as file:
        command = [sys.executable, "-m", "deployer", "try-hub", "--no-browser"]
        process = subprocess.Popen(command, cwd=hub, stdout=file, stderr=subprocess.STDOUT)
    try:
        while "Ctrl-C stops it" not in (printed := log.read_text("utf-8")):
            if process.poll() is not None:
                sys.exit(printed)
            time.sleep(0.2)
        found = re.search(r"on this machine: (\S+)/", printed)
        assert found
        yield found[1], printed
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def take_student(hub: Path) -> None:
    """Take what a student sees from sign-in to the first plot."""
    with try_hub(hub) as (link, printed), browser.open_page(1200, 720) as page:
        password = re.findall(r"password (\S+)", printed)[1]
        page.goto(f"{link}/hub/login")
        page.fill("#username_input", "grace")
        page.screenshot(path=IMAGES / "sign-in.png", clip=TOP)
        browser.sign_in(page, link, "grace", password)
        page.get_by_role("button", name="Start").wait_for()
        page.screenshot(path=IMAGES / "spawn.png", clip=TOP)
        page.get_by_role("button", name="Start").click()
        browser.wait_for_lab(page)
        page.goto(f"{link}/user/grace/lab/tree/statistics/week-1.ipynb")
        browser.wait_for_lab(page)
        page.locator(".jp-Notebook .cm-content").first.wait_for()
        if page.get_by_role("button", name="No", exact=True).count():
            page.get_by_role("button", name="No", exact=True).click()
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        page.locator(".jp-RenderedImage img").wait_for()
        page.wait_for_timeout(1000)
        page.screenshot(path=IMAGES / "jupyterlab.png")


def take_stand_in(hub: Path) -> None:
    """Take the page that stands in for a provider."""
    with try_hub(hub) as (link, _), browser.open_page() as page:
        page.goto(f"{link}/hub/login")
        page.click("a[href*='oauth_login']")
        page.wait_for_selector("#trial-provider")
        page.screenshot(path=IMAGES / "stand-in.png", clip=TOP)


def main() -> None:
    """Take all pictures."""
    try:
        browser.find_browser()
    except LookupError as error:
        sys.exit(str(error))
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        course = folder / "statistics"
        write_course(course)
        take_student(write_hub(folder / "password", ANSWERS, course))
        take_stand_in(write_hub(folder / "provider", {**ANSWERS, **PROVIDER, "tls": "offload"}, course))
    for image in sorted(IMAGES.glob("*.png")):
        print(f"{image.relative_to(TEMPLATE)} {os.path.getsize(image) // 1024} KB")


if __name__ == "__main__":
    main()
