"""What a student sees of `make try`, in a real browser: the page of the hub, JupyterLab, a cell, and the way out."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import browser
import pytest
import trials
import yaml
from sign_ins import DOMAIN, RULES

pytestmark = pytest.mark.usefixtures("chromium")
# What a kernel makes of it is not in the cell itself.
CELL, RESULT = "print(6 * 7, 'is the answer')", "42 is the answer"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course's files, in a repository of git."""
    folder = tmp_path_factory.mktemp("content") / "statistics"
    folder.mkdir()
    (folder / "week-1.md").write_text("# Week 1\n", encoding="utf-8")
    trials.commit(folder)
    return folder


@pytest.fixture(scope="module")
def trial(bake, course: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[trials.Running]:
    """A trial with the files of a course, and profiles to choose among."""
    answers = {"course_content": "https://example.edu/statistics.git"}
    repository = Path(shutil.copytree(bake(**answers), tmp_path_factory.mktemp("trial") / "hub"))
    path = repository / "config" / "hub.yaml"
    text = path.read_text(encoding="utf-8").replace("https://example.edu/statistics.git", course.as_uri())
    values = yaml.safe_load(text)
    values["jupyterhub"]["singleuser"]["profileList"] = [
        {"display_name": "Small", "default": True},
        {"display_name": "Large", "kubespawner_override": {"environment": {"SIZE": "large"}}},
    ]
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    with trials.running(repository) as running:
        yield running


def test_a_student_runs_a_cell_and_leaves(trial: trials.Running) -> None:
    students, _ = trial.read_passwords()
    with browser.open_page() as page:
        browser.sign_in(page, trial.link, "ada", students)
        page.get_by_text("Large").click()
        page.get_by_role("button", name="Start").click()
        browser.wait_for_lab(page)
        page.get_by_text("statistics", exact=True).first.wait_for()
        page.locator(".jp-LauncherCard[data-category=Notebook]").first.click()
        page.locator(".jp-Notebook .cm-content").first.click()
        page.keyboard.type(f"import os; {CELL}, os.environ['SIZE']")
        browser.run_cell(page, RESULT)
        assert (trial.folder / "homes" / "ada" / "statistics" / "week-1.md").is_file()
        page.goto(f"{trial.link}/hub/home")
        page.click("#logout")
        page.wait_for_selector("#login_submit, #login")
        page.goto(f"{trial.link}/user/ada/lab")
        page.wait_for_selector("#login_submit")


def test_a_wrong_password_stays_outside(trial: trials.Running) -> None:
    with browser.open_page() as page:
        browser.sign_in(page, trial.link, "ada", "a guess")
        page.get_by_text("Invalid username or password").wait_for()


# The student on the page of each sign-in.
STUDENTS = {
    "github": "octo-cat",
    "google": "student@example.edu",
    "cilogon": "student@example.edu",
    "microsoft-groups": "ada@a.edu",
    "oidc": "ada",
    "lti13-names": "ada@a.edu",
}


@pytest.mark.parametrize(("rule", "student"), STUDENTS.items())
def test_the_page_of_a_stand_in(edited, rule: str, student: str) -> None:
    with trials.running(edited(**RULES[rule], **DOMAIN)) as running:
        with browser.open_page() as page:
            browser.choose_person(page, running.link, student, running.password)
            browser.wait_for_lab(page)
        with browser.open_page() as page:
            browser.choose_person(page, running.link, "outsider", running.password)
            page.get_by_text("403").first.wait_for()
