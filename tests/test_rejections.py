"""Bad answers are rejected by both engines with the same message, and nothing is left on disk."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import matrix
import pytest
import yaml
from cookiecutter.exceptions import FailedHookException
from matrix import FORBIDDEN

from repositories import by_cookiecutter, by_copier

TITLE = "is not 2 to 100 characters on one line"
LABEL = "is not a DNS label of at most 40 characters"
WORD = "is a word that YAML does not read as text"
MEMORY = "is not a whole number with K, M, G or T"
BASE = "is not a name of the Jupyter Docker Stacks, nor an image reference with a digest or a tag other than latest"
OWN = "is not an image reference with a registry and without a tag"
JUPYTER = "belongs to the Jupyter project"
# One answer, and what is wrong with it. The message names the key and the answer, and says how to fix it.
BAD = [
    ("hub_name", "My Hub!", LABEL),
    ("hub_name", "a" * 41, LABEL),
    ("hub_name", "$(id)", LABEL),
    ("hub_name", "hub-", LABEL),
    # cookiecutter has been seen to remove the folder that the first of these leads to.
    ("hub_name", "a/..", LABEL),
    ("hub_name", "../x", LABEL),
    ("hub_name", "", LABEL),
    ("cluster_name", "The Cluster", LABEL),
    ("cluster_name", "no", WORD),
    *(("hub_name", word, WORD) for word in ("y", "n", "yes", "no", "on", "off", "true", "false", "null")),
    ("contact_email", "course-team", "is not an e-mail address"),
    ("contact_email", "<< cookiecutter.hub_name >>@example.edu", "is not an e-mail address"),
    ("memory_limit", "2Gi", MEMORY),
    ("memory_guarantee", "0.5G", MEMORY),
    ("hub_domain", "https://hub.example.edu", "is not a host name"),
    ("hub_domain", "localhost", "is not a host name"),
    ("students", "many", "is not a whole number from 1 to 99999"),
    ("admin_users", "", "is not a list of user names"),
    ("sign_in_allow", "'ada'", "is not a list of names"),
    ("course_title", "two\nlines", TITLE),
    ("course_title", " space", TITLE),
    ("course_title", "bell\x07", TITLE),
    ("course_title", "a <# comment #>", TITLE),
    ("course_title", "<% if true %>x<% endif %>", TITLE),
    ("image_base", "quay.io/jupyter/scipy-notebook:latest", BASE),
    ("image_base", "quay.io/jupyter/scipy-notebook", BASE),
    ("image_name", "ghcr.io/org/name:v1", OWN),
    ("image_name", "quay.io/jupyter/scipy-notebook", JUPYTER),
    ("image_name", "docker.io/jupyter/scipy-notebook", JUPYTER),
    ("image_name", "jupyter/scipy-notebook", JUPYTER),
    ("course_content", "-oProxyCommand=id", "is not a git URL"),
    ("course_content", "https://course:a-token@git.example.edu/course.git", "is not a git URL"),
    ("timezone", "Berlin time", "is not the IANA name of a time zone"),
    ("timezone", "Europe/", "is not the IANA name of a time zone"),
    ("class_times", "monday 10-12", "is not a list of days with times"),
    ("class_times", "mon 10:00-11:30, Tue 10:00-09:30", "ends before it starts"),
    ("term_ends", "12.02.2027", "is not a date"),
]


def message(key: str, answer: str, wrong: str) -> str:
    """Return the start of a message."""
    shown = answer.split(",")[-1].strip() if wrong == "ends before it starts" else answer
    return f"{key}: {wrong} ('{shown}'). "


REJECTED = [({key: answer}, message(key, answer, wrong)) for key, answer, wrong in BAD] + FORBIDDEN


def cookiecutter(template: Path, folder: Path, answers: dict[str, str]) -> list[str]:
    """cookiecutter's command line."""
    pairs = [f"{key}={value}" for key, value in answers.items()]
    return [sys.executable, "-m", "cookiecutter", str(template), "--no-input", "-o", str(folder), *pairs]


def copier(template: Path, folder: Path, answers: dict[str, str]) -> list[str]:
    """copier's command line."""
    pairs = [argument for key, value in answers.items() for argument in ("--data", f"{key}={value}")]
    return [sys.executable, "-m", "copier", "copy", "--defaults", *pairs, str(template), str(folder / "hub")]


each_rejected = pytest.mark.parametrize(
    ("answers", "sentence"),
    REJECTED,
    ids=[re.sub(r"[^\x20-\x7e]", "?", str(answers)) for answers, _ in REJECTED],
)


# In this process; the command lines are tested below.
@each_rejected
def test_cookiecutter_rejects(template: Path, tmp_path: Path, answers: dict[str, str], sentence: str, capfd) -> None:
    with pytest.raises(FailedHookException):
        by_cookiecutter(template, tmp_path, answers)
    assert sentence in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []


@each_rejected
def test_copier_rejects(template: Path, tmp_path: Path, answers: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValueError) as raised:
        by_copier(template, tmp_path, answers)
    assert sentence in str(raised.value)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("engine", [cookiecutter, copier], ids=["cookiecutter", "copier"])
@pytest.mark.parametrize(("answers", "sentence"), [REJECTED[0], FORBIDDEN[0]], ids=["one answer", "two answers"])
def test_a_command_line_rejects(template: Path, tmp_path: Path, engine, answers, sentence: str) -> None:
    done = subprocess.run(engine(template, tmp_path, answers), capture_output=True, text=True)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """`configured(**defaults)`: an environment in which cookiecutter has these defaults, and a folder for replays."""

    def configure(**defaults: str) -> dict[str, str]:
        settings = {"replay_dir": str(tmp_path / "replay"), "cookiecutters_dir": str(tmp_path / "cloned")}
        file = tmp_path / "settings.yaml"
        file.write_text(yaml.safe_dump(settings | {"default_context": defaults}), encoding="utf-8")
        return {**os.environ, "HOME": str(tmp_path), "COOKIECUTTER_CONFIG": str(file)}

    return configure


def run(command: list[str] | str, environ: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a shell would: where it is, and what cookiecutter is."""
    environ = environ | {"PWD": str(folder), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        command, cwd=folder, env=environ, shell=isinstance(command, str), capture_output=True, text=True
    )


def ours(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines before cookiecutter's own."""
    return done.stderr.split("ERROR: Stopping generation")[0].splitlines()


@pytest.mark.parametrize("options", [[], ["--output-dir", "made here"]], ids=["here", "elsewhere"])
def test_corrected_answers_need_not_be_given_again(template: Path, tmp_path: Path, configured, options) -> None:
    """The last of our lines is the command, the file holds only answers, and the corrected ones are checked as well."""
    environ = configured()
    folder = tmp_path / "folder"
    folder.mkdir()
    command = ["cookiecutter", str(template), *options, "--no-input", "hub_name=a/..", "students=30", "term_ends=soon"]
    rejected = run(command, environ, folder)
    *_, where, again = ours(rejected)
    wrong = "hub_name, cluster_name, term_ends"
    said = re.fullmatch(rf"Your answers are in (.*\.json): correct {wrong} there\. Then run:", where)
    assert again == shlex.join(["cookiecutter", str(template), "--replay", *options])
    file = Path(said[1])
    assert list(json.loads(file.read_text(encoding="utf-8"))["cookiecutter"]) == list(matrix.KEYS)
    assert list(folder.glob("*/*")) == []
    file.write_text(file.read_text(encoding="utf-8").replace("a/..", "my-hub"), encoding="utf-8")
    rejected = run(again, environ, folder)
    assert "term_ends: is not a date ('soon')." in rejected.stderr
    assert ours(rejected)[-1] == again
    file.write_text(file.read_text(encoding="utf-8").replace("soon", "2098-02-12"), encoding="utf-8")
    done = run(again, environ, folder)
    assert done.returncode == 0, done.stderr
    (made,) = folder.rglob("my-hub")
    assert "students: 30" in (made / "config/hub.yaml").read_text(encoding="utf-8")
    assert f"cd {made.relative_to(folder)}\n" in done.stdout


def test_a_replay_of_an_older_template_is_of_this_one(template: Path, tmp_path: Path, configured) -> None:
    """The context that cookiecutter keeps besides the answers would be the older template's."""
    environ = configured()
    for command in ["--no-input"], ["--replay", "--overwrite-if-exists"]:
        done = run(["cookiecutter", str(template), *command], environ, tmp_path)
        assert done.returncode == 0, done.stderr
        (file,) = (tmp_path / "replay").iterdir()
        assert list(json.loads(file.read_text(encoding="utf-8"))["cookiecutter"]) == list(matrix.KEYS)


def edited_replay(template: Path, folder: Path, environ: dict[str, str], **answers) -> subprocess.CompletedProcess[str]:
    """Run cookiecutter with a replay file that somebody has edited."""
    file = folder / "edited.json"
    done = run(["cookiecutter", str(template), "--no-input", "-o", "first"], environ, folder)
    assert done.returncode == 0, done.stderr
    made = json.loads((folder / f"replay/{template.name}.json").read_text(encoding="utf-8"))
    file.write_text(json.dumps({"cookiecutter": made["cookiecutter"] | answers}), encoding="utf-8")
    return run(["cookiecutter", str(template), "--replay-file", str(file)], environ, folder)


@pytest.mark.parametrize("path", ["../precious", "/precious", ".", "config/../../precious", ""])
def test_no_replay_file_removes_what_is_outside(template: Path, tmp_path: Path, configured, path: str) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    path = path.replace("/precious", str(precious)) if path[:1] == "/" else path
    done = edited_replay(template, tmp_path, configured(), _only_when={"mise.toml": "1", path: "0"})
    assert done.returncode == 1
    assert f"_only_when: '{path}' is not a path in the new repository. Remove it from the replay file." in done.stderr
    assert precious.is_dir()
    assert not (tmp_path / "data-science-hub").exists()


@pytest.mark.parametrize("name", ["a/..", "../folder/x", "a/../../folder"])
def test_no_replay_file_removes_the_folder_of_its_caller(template: Path, tmp_path: Path, configured, name: str) -> None:
    """cookiecutter removes what hub_name leads to, when a hook rejects it."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "precious").touch()
    environ = configured()
    run(["cookiecutter", str(template), "--no-input", "-o", "first"], environ, tmp_path)
    file = tmp_path / f"replay/{template.name}.json"
    file.write_text(file.read_text(encoding="utf-8").replace("data-science-hub", name), encoding="utf-8")
    done = run(["cookiecutter", str(template), "--replay"], environ, folder)
    assert done.returncode == 1
    assert "hub_name: is a path" in done.stderr
    assert (folder / "precious").is_file()


@pytest.mark.parametrize("option", [False, True], ids=["environment", "option"])
def test_a_typo_in_the_configuration_is_rejected(template: Path, tmp_path: Path, configured, option: bool) -> None:
    environ = configured(sign_in="git-hub", students="40")
    command = ["cookiecutter", str(template), "--no-input"]
    if option:
        environ.pop("COOKIECUTTER_CONFIG")
        command += ["--config-file", "settings.yaml"]
    done = run(command, environ, tmp_path)
    assert done.returncode == 1
    assert ours(done)[-1] == (
        "sign_in: 'git-hub' in cookiecutter's configuration is not one of its values. Write one of "
        f"{', '.join(matrix.QUESTIONS['sign_in'])} there, and run the command again."
    )
    assert not (tmp_path / "data-science-hub").exists()
    assert run([*command, "--default-config"], environ, tmp_path).returncode == 0


@pytest.mark.parametrize("title", ["R << Python", "<< cookiecutter.hub_name >>", "100 <%"])
def test_unreadable_template_syntax(template: Path, tmp_path: Path, title: str) -> None:
    """cookiecutter stops at these in its own words, before any code of ours runs; copier says our sentence."""
    for engine in cookiecutter, copier:
        done = subprocess.run(engine(template, tmp_path, {"course_title": title}), capture_output=True, text=True)
        assert done.returncode == 1
        assert list(tmp_path.iterdir()) == []
    assert f"course_title: {TITLE} ('{title}'). " in done.stderr
