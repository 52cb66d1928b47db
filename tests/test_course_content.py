"""The course's files reach a home as nbgitpuller brings them, with real git repositories, and never hold up a start."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from nbgitpuller.pull import GitPuller

from repositories import TEMPLATE

FETCH = TEMPLATE / "<<cookiecutter.hub_name>>" / "chart" / "files" / "fetch_course.py"
AUTHOR = ["-c", "user.name=Course", "-c", "user.email=course@example.edu"]


class Course:
    """A course's repository, the home of one student, and the start of that student's server."""

    def __init__(self, folder: Path) -> None:
        self.work = folder / "work"
        self.home = folder / "home"
        self.home.mkdir()
        self.bare = folder / "course.git"
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", self.bare], check=True)
        subprocess.run(["git", "clone", "--quiet", self.bare, self.work], check=True, capture_output=True)
        self.git("checkout", "--quiet", "-B", "main")
        self.copy = self.home / "course"
        self.url = f"file://{self.bare}"

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", *AUTHOR, *arguments], cwd=self.work, check=True)

    def publish(self, **files: str | None) -> None:
        """Write files, or delete those that are None, and push them. Double underscores are dots."""
        for name, text in files.items():
            path = self.work / name.replace("__", ".")
            path.unlink() if text is None else path.write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "course")
        self.git("push", "--quiet", "origin", "main")

    def start(self, command: tuple[str, ...] = ("true",), **environ: str) -> subprocess.CompletedProcess[str]:
        """What a pod runs. It must end with the exit status of the server."""
        return subprocess.run(
            [sys.executable, FETCH, *command],
            env={**os.environ, "HOME": str(self.home), "COURSE_CONTENT": self.url, **environ},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def read(self, name: str) -> str:
        return (self.copy / name).read_text(encoding="utf-8")

    def names(self) -> set[str]:
        return {path.name for path in self.copy.iterdir()} - {".git"}


@pytest.fixture
def course(tmp_path: Path) -> Course:
    made = Course(tmp_path)
    made.publish(intro__ipynb="one\ntwo\nthree\n", data__csv="1,2\n", old__txt="old\n")
    done = made.start()
    assert done.returncode == 0, done.stderr
    assert "course files: up to date" in done.stdout
    return made


def test_the_first_start_brings_the_files(course: Course) -> None:
    assert course.names() == {"intro.ipynb", "data.csv", "old.txt"}


def test_new_and_changed_files_come_with_the_next_start(course: Course) -> None:
    course.publish(intro__ipynb="one\ntwo\nthree\nfour\n", week2__ipynb="new\n", old__txt=None)
    course.start()
    assert course.read("intro.ipynb").endswith("four\n")
    assert course.names() == {"intro.ipynb", "data.csv", "week2.ipynb"}


def test_edits_stay(course: Course) -> None:
    (course.copy / "intro.ipynb").write_text("one\nMINE\nthree\n", encoding="utf-8")
    (course.copy / "notes.md").write_text("my notes\n", encoding="utf-8")
    course.start()
    assert course.read("intro.ipynb") == "one\nMINE\nthree\n"
    assert course.read("notes.md") == "my notes\n"


def test_edits_of_other_lines_are_merged(course: Course) -> None:
    lines = [f"{number}\n" for number in range(20)]
    course.publish(intro__ipynb="".join(lines))
    course.start()
    (course.copy / "intro.ipynb").write_text("".join(["MINE\n", *lines[1:]]), encoding="utf-8")
    course.publish(intro__ipynb="".join([*lines[:-1], "THEIRS\n"]))
    course.start()
    assert course.read("intro.ipynb") == "".join(["MINE\n", *lines[1:-1], "THEIRS\n"])


def test_the_student_wins_where_both_have_changed_a_line(course: Course) -> None:
    (course.copy / "intro.ipynb").write_text("one\nMINE\nthree\n", encoding="utf-8")
    course.publish(intro__ipynb="one\nTHEIRS\nthree\n", week2__ipynb="new\n")
    course.start()
    assert course.read("intro.ipynb") == "one\nMINE\nthree\n"
    assert course.read("week2.ipynb") == "new\n"


def test_a_deleted_file_comes_back_in_its_newest_version(course: Course) -> None:
    (course.copy / "intro.ipynb").unlink()
    (course.copy / "data.csv").unlink()
    course.publish(data__csv="3,4\n")
    course.start()
    assert course.read("intro.ipynb") == "one\ntwo\nthree\n"
    assert course.read("data.csv") == "3,4\n"


def test_what_the_course_deletes_stays_if_the_student_has_changed_it(course: Course) -> None:
    (course.copy / "old.txt").write_text("mine\n", encoding="utf-8")
    course.publish(old__txt=None, week2__ipynb="new\n")
    course.start()
    assert course.read("old.txt") == "mine\n"
    assert course.read("week2.ipynb") == "new\n"


def test_what_both_delete_is_gone(course: Course) -> None:
    (course.copy / "old.txt").unlink()
    course.publish(old__txt=None)
    course.start()
    assert "old.txt" not in course.names()


def test_the_students_own_file_is_renamed_where_the_course_has_one_of_its_name(course: Course) -> None:
    (course.copy / "week2.ipynb").write_text("mine\n", encoding="utf-8")
    course.publish(week2__ipynb="theirs\n")
    course.start()
    assert course.read("week2.ipynb") == "theirs\n"
    [own] = [name for name in course.names() if name.startswith("week2__")]
    assert own.endswith(".ipynb")
    assert course.read(own) == "mine\n"


def test_staged_changes_and_commits_of_the_student_stay(course: Course) -> None:
    (course.copy / "intro.ipynb").write_text("MINE\n", encoding="utf-8")
    subprocess.run(["git", *AUTHOR, "commit", "--quiet", "--all", "-m", "mine"], cwd=course.copy, check=True)
    (course.copy / "data.csv").write_text("staged\n", encoding="utf-8")
    subprocess.run(["git", "add", "data.csv"], cwd=course.copy, check=True)
    course.publish(week2__ipynb="new\n")
    course.start()
    assert (course.read("intro.ipynb"), course.read("data.csv")) == ("MINE\n", "staged\n")
    assert course.read("week2.ipynb") == "new\n"


def test_a_folder_that_is_not_of_the_course_is_left_alone(course: Course) -> None:
    course.copy.rename(course.home / "away")
    course.copy.mkdir()
    (course.copy / "thesis.txt").write_text("years of work\n", encoding="utf-8")
    done = course.start()
    assert done.returncode == 0
    assert "is there already, and not from the course" in done.stdout
    assert course.names() == {"thesis.txt"}


def test_a_start_without_news_makes_no_commit(course: Course) -> None:
    def head() -> str:
        command = ["git", "rev-parse", "HEAD"]
        return subprocess.run(command, cwd=course.copy, check=True, capture_output=True, text=True).stdout

    before = head()
    course.start()
    assert head() == before


@pytest.mark.parametrize("url", ["file:///nowhere/course.git", "https://127.0.0.1:1/course.git", "nonsense"])
def test_a_start_does_not_fail_without_the_repository(course: Course, url: str) -> None:
    (course.copy / "intro.ipynb").write_text("MINE\n", encoding="utf-8")
    done = course.start(command=("sh", "-c", "exit 7"), COURSE_CONTENT=url)
    assert done.returncode == 7, "the server was not started"
    assert "course files: left as they are: " in done.stdout
    assert course.read("intro.ipynb") == "MINE\n"


def test_a_server_that_does_not_answer_holds_up_a_start_for_no_longer_than_said(course: Course) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/course.git"
        limits = {"COURSE_CONTENT_WAIT": "1", "COURSE_CONTENT_GIVE_UP": "3"}
        done = course.start(COURSE_CONTENT=url, **limits)
        assert done.returncode == 0
        assert "still on their way after 1 seconds" in done.stdout
        assert "git ls-remote was not done after 3 seconds" in done.stdout
        assert time.monotonic() - started < 10


def test_without_git_the_server_starts(course: Course, tmp_path: Path) -> None:
    done = course.start(command=("/bin/true",), PATH=str(tmp_path))
    assert done.returncode == 0
    assert "course files: left as they are: " in done.stdout


def test_a_link_of_nbgitpuller_goes_on_in_the_same_folder(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    (course.copy / "intro.ipynb").write_text("one\nMINE\nthree\n", encoding="utf-8")
    course.publish(week2__ipynb="new\n")
    monkeypatch.setenv("HOME", str(course.home))
    list(GitPuller(course.url, str(course.copy)).pull())
    assert course.read("week2.ipynb") == "new\n"
    course.publish(week3__ipynb="newer\n")
    course.start()
    assert course.read("week3.ipynb") == "newer\n"
    assert course.read("intro.ipynb") == "one\nMINE\nthree\n"


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/org/materials",
        "https://github.com/org/materials.git",
        "https://github.com/org/materials/",
        "git@git.example.edu:materials.git",
        "https://github.com/org/course.github.io",
    ],
)
def test_the_documents_and_the_robot_name_the_same_folder(bake, url: str) -> None:
    module: dict = {"__name__": "fetch_course"}
    exec(compile(FETCH.read_text(encoding="utf-8"), FETCH.name, "exec"), module)  # noqa: S102 (no package)
    name = module["Folder"](url).path.name
    repository = bake(course_content=url)
    assert f"`{name}` in the home" in (repository / "docs" / "instructors.md").read_text(encoding="utf-8")
    config = yaml.safe_load((repository / "config" / "hub.yaml").read_text(encoding="utf-8"))
    assert config["robotStudent"]["files"] == [name]
