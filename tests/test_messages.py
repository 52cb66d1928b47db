"""What the commands of a repository say where people have made a mistake: a sentence, and never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from repositories import run_deployer

HUB = "config/hub.yaml"
# A file, what of it becomes what (None: the file goes), and what `make check OFFLINE=1` says.
CHECKS = {
    "no file": (
        "config/prod.yaml",
        "",
        None,
        "config/prod.yaml is missing: `git checkout -- config/prod.yaml`",
    ),
    "no values": ("chart/values.yaml", "", None, "chart/values.yaml is missing: `git checkout -- chart/values.yaml`"),
    "empty": ("config/prod.yaml", "environment: prod", "---", "config/prod.yaml: environment is missing; write"),
    "environment": (
        "config/prod.yaml",
        "environment: prod",
        "environment: staging",
        "config/prod.yaml: environment is staging; write `environment: prod`",
    ),
    "conflict": (
        "chart/ci/fake-secrets.yaml",
        "jupyterhub:",
        "<<<<<<< before updating\njupyterhub:\n=======\njupyterhub: {}\n>>>>>>> after updating",
        "chart/ci/fake-secrets.yaml:11: conflict markers of an update or merge.",
    ),
    "conflict in a file that is not YAML": (
        "mise.toml",
        "[tools]",
        "<<<<<<< HEAD\n[tools]",
        "mise.toml:3: conflict markers of an update or merge.",
    ),
    "control character": (
        HUB,
        "  students:",
        "  # \a\n  students:",
        "config/hub.yaml:5: there is a control character (U+0007).",
    ),
    "tab": (HUB, "  students:", "\tstudents:", "in YAML, spaces indent, not tabs"),
    "type": (HUB, "  students: ", "  students: many  # ", "config/hub.yaml: course.students: it is a text (many"),
    "no value": (
        "config/prod.yaml",
        "environment: prod",
        "environment: prod\njupyterhub:\n  singleuser:\n    memory:",
        "config/prod.yaml: jupyterhub.singleuser.memory: the key has no value, so Helm would remove limit, guarantee.",
    ),
    "no value of the chart": (
        HUB,
        "jupyterhub:",
        "jupyterhub:\n  scheduling: {podPriority: null}",
        "config/hub.yaml: jupyterhub.scheduling.podPriority: the key has no value. Write one, or remove the line",
    ),
    "key": (
        HUB,
        "  students:",
        "  studnets:",
        "config/hub.yaml: course.studnets: there is no such key (did you mean students?)",
    ),
}


def changed(file: Path, old: str, new: str | None) -> None:
    """Change a file, or remove it."""
    if new is None:
        file.unlink()
    else:
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")


def said(done: subprocess.CompletedProcess[str]) -> str:
    """What a command that stops says."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("name", CHECKS)
def test_check_says_which_file_and_what_to_do(name, edited):
    file, old, new, sentence = CHECKS[name]
    repository = edited()
    changed(repository / file, old, new)
    assert sentence in said(run_deployer(repository, "check", "--offline"))


def test_check_shows_sentences_of_guards_without_the_noise_of_helm(edited):
    repository = edited()
    changed(repository / HUB, "limit: 2G", "limit: 2")
    text = said(run_deployer(repository, "check", "--offline"))
    assert "\njupyterhub.singleuser.memory.limit: a number without a unit is bytes (2)" in text
    assert "Error: execution error" not in text
    assert "--debug" not in text


def test_every_command_says_where_an_update_stopped(edited):
    repository = edited()
    changed(repository / HUB, "course:\n", "<<<<<<< before updating\ncourse:\n=======\n>>>>>>> after updating\n")
    assert "config/hub.yaml:2: conflict markers of an update or merge. Keep" in said(run_deployer(repository, "seats"))


def test_own_image_is_not_named_like_the_base_of_others(edited):
    repository = edited(image_name="registry.example.edu/course/image")
    changed(repository / HUB, "name: registry.example.edu/course/image", "name: quay.io/jupyter/r-notebook")
    text = said(run_deployer(repository, "check", "--offline"))
    assert "config/hub.yaml: jupyterhub.singleuser.image.name is 'quay.io/jupyter/r-notebook'" in text
    assert "change its base, FROM in image/Dockerfile" in text


def test_check_translates_the_schema_of_the_chart(edited, chart):
    repository = edited()
    changed(repository / "config/prod.yaml", "environment: prod", "environment: prod\njupyterhub:\n  singelUser: {}")
    text = said(run_deployer(repository, "check"))
    assert "config/prod.yaml: jupyterhub.singelUser: there is no such key (did you mean singleuser?)" in text
    changed(repository / "config/prod.yaml", "singelUser: {}", "hub: {pdb: null}")
    assert "config/prod.yaml: jupyterhub.hub.pdb: the key has no value." in said(run_deployer(repository, "check"))


def test_commands_without_a_repository_of_git(edited):
    repository = edited()
    for command in (["impact", "--base", "origin/main"], ["scan"]):
        assert "this folder is not a git repository yet: run `git init`" in said(run_deployer(repository, *command))
    subprocess.run(["git", "init", "--quiet", repository], check=True)
    text = said(run_deployer(repository, "impact", "--base", "origin/main"))
    assert (
        text.strip()
        == "BASE: there is no commit 'origin/main'. Write the one to compare with, such as `make impact BASE=main`"
    )


def test_files_that_editors_of_windows_write(edited):
    """With a mark before the text and other ends of lines, requirements are read as they are meant."""
    repository = edited(image_name="registry.example.edu/course/image")
    file = repository / "image" / "requirements.txt"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    done = run_deployer(repository, "image", "check-lock")
    assert done.returncode == 0, done.stderr


def test_calendar_of_an_empty_course(edited):
    repository = edited()
    changed(repository / HUB, "  peak: 20\n", "")
    assert "config/hub.yaml: course.peak is missing. Correct it there" in said(run_deployer(repository, "calendar"))


def test_answers_without_a_name(edited):
    repository = edited()
    (repository / ".copier-answers.yml").write_text("", encoding="utf-8")
    text = said(run_deployer(repository, "new-class", "--name", "stat-102"))
    assert ".copier-answers.yml: hub_name is missing. `git checkout -- .copier-answers.yml`" in text


def test_cluster_asks_what_to_do(edited):
    text = said(run_deployer(edited(platform="gke"), "cluster"))
    assert "DO: '' is not an action. Write DO=create, DO=autoscale, DO=fixed, DO=pause" in text


def test_nobody_has_to_read_to_the_end(bake):
    command = [sys.executable, "-m", "deployer", "seats"]
    with subprocess.Popen(command, cwd=bake(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as seats:
        seats.stdout.close()
        assert seats.stderr.read() == ""


# A line of config/hub.yaml, its replacement, and what `make seats` prints.
SEATS = {
    "text": ("  peak: 20", "  peak: many", "config/hub.yaml: course.peak must be of the type integer ('many')."),
    "missing": ("    max: ", "    # max: ", "config/hub.yaml: course.node.max is missing."),
    "empty": ("    memory: ", "    memory: # ", "config/hub.yaml: course.node.memory is empty."),
    "unit": ("    memory: ", "    memory: 15Gi # ", "course.node.memory: '15Gi' is not in JupyterHub's units."),
    "list": ("  node:\n", "  node: []\n  nodes:\n", "config/hub.yaml: course.node must be of the type object ([])."),
    "time": (
        "    classes: []",
        "    classes: [{days: [mon], start: '0900', end: '11:30'}]",
        "course.calendar.classes: start: '0900' is not a time of day.",
    ),
    "end": ("    termEnds: ''", "    termEnds: soon", "course.calendar.termEnds: 'soon' is not a date."),
    "guarantee": (
        "      guarantee: 2G",
        "      guarantee: two",
        "jupyterhub.singleuser.memory.guarantee: 'two' is not in",
    ),
}


@pytest.mark.parametrize("name", SEATS)
def test_seats_of_what_cannot_be_counted(name, edited):
    old, new, sentence = SEATS[name]
    repository = edited()
    changed(repository / HUB, old, new)
    assert sentence in said(run_deployer(repository, "seats"))


LATIN_1 = [
    "config/hub.yaml",
    "config/prod.yaml",
    "chart/values.yaml",
    "chart/Chart.yaml",
    "chart/ci/fake-secrets.yaml",
    "chart/templates/calendar.yaml",
    ".sops.yaml",
    ".pre-commit-config.yaml",
    ".github/workflows/check.yaml",
    "secrets/prod.yaml",
]


@pytest.mark.parametrize("file", LATIN_1)
def test_a_file_that_is_not_utf_8(file, edited):
    repository = edited()
    path = repository / file
    path.parent.mkdir(exist_ok=True)
    with path.open("ab") as end:
        end.write(b"# one line\n# caf\xe9\n")
    line = path.read_bytes().count(b"\n")
    sentence = f"{file}:{line}: the byte 0xe9 is not UTF-8. Save the file with the encoding UTF-8"
    assert said(run_deployer(repository, "check", "--offline")).strip() == sentence
    if file.startswith("config/") or file == "chart/values.yaml":
        assert said(run_deployer(repository, "seats")).strip() == sentence


def test_image_lock_without_a_network(edited, tmp_path):
    repository = edited(image_name="registry.example.edu/course/image")
    changed(repository / "image/requirements.txt", "nbgitpuller", "humanize==4.13.0\nnbgitpuller")
    before = (repository / "image/requirements.lock").read_bytes()
    uv = str(Path(sys.executable).parent / "uv")
    nowhere = {"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple", "UV_INDEX": "", "UV_HTTP_RETRIES": "0"}
    done = run_deployer(repository, "image", "lock", UV=uv, UV_CACHE_DIR=str(tmp_path), UV_NO_CONFIG="1", **nowhere)
    assert said(done).startswith("image/requirements.lock was not written, and is as it was. uv says:\n")
    assert (repository / "image/requirements.lock").read_bytes() == before


# What a Python does that has no venv module, one that is too old, and a package index that is not reached.
FIRST_MAKES = {
    "no venv": ({"venv.py": "import os\nos.mkdir('.venv')\nraise SystemExit(1)"}, {}, "sudo apt install python3-venv"),
    "old": (
        {"sitecustomize.py": "import sys\nsys.version_info = (3, 9, 18)"},
        {},
        "Python 3.10 or newer is wanted, and python3 is 3.9",
    ),
    "no index": ({}, {"PIP_NO_INDEX": "1"}, "The packages of deployer/requirements.lock are not there, pip says above"),
}


@pytest.mark.parametrize("name", FIRST_MAKES)
def test_first_make_that_fails_says_why_and_leaves_nothing(name, edited, tmp_path):
    modules, environ, sentence = FIRST_MAKES[name]
    repository, path = edited(), tmp_path / "modules"
    path.mkdir()
    for module, text in modules.items():
        (path / module).write_text(text, encoding="utf-8")
    environ = {**os.environ, "PYTHONPATH": str(path), **environ}
    done = subprocess.run(["make", "seats"], cwd=repository, env=environ, capture_output=True, text=True)
    assert done.returncode == 2
    assert sentence in done.stderr and "Traceback" not in done.stderr
    assert not (repository / ".venv").exists()


def test_make_that_was_interrupted_starts_again(edited):
    repository = edited()
    (repository / ".venv" / "bin").mkdir(parents=True)
    done = subprocess.run(
        ["make", "seats"], cwd=repository, env={**os.environ, "PIP_NO_INDEX": "1"}, capture_output=True, text=True
    )
    assert "The packages of deployer/requirements.lock are not there" in done.stderr
