"""A repository born with either engine takes `copier update`: its owner's edits stay, the template's changes arrive."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_engines import tree

from repositories import TEMPLATE, by_cookiecutter, commit

CELL = {"hub_name": "my-hub", "course_title": "It's a test: 🐍", "sign_in": "github", "sign_in_allow": "example-org"}


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture
def released(template: Path, tmp_path: Path) -> Path:
    """The template as a git repository with the tag v0.1.0."""
    repository = Path(shutil.copytree(template, tmp_path / "z2jh-template"))
    run("git", "init", "--quiet", "--initial-branch=main", cwd=repository)
    commit(repository, "First release")
    run("git", "tag", "v0.1.0", cwd=repository)
    return repository


def born(engine: str, template: Path, folder: Path) -> Path:
    """A repository of the newest tag."""
    if engine == "cookiecutter":
        return by_cookiecutter(template, folder, CELL)
    data = [argument for key, value in CELL.items() for argument in ("--data", f"{key}={value}")]
    run(sys.executable, "-m", "copier", "copy", "--quiet", "--defaults", *data, str(template), "my-hub", cwd=folder)
    return folder / "my-hub"


def test_births_are_the_same(released: Path, tmp_path: Path) -> None:
    folders = [tmp_path / engine for engine in ("cookiecutter", "copier")]
    for folder in folders:
        folder.mkdir()
    one, two = (tree(born(folder.name, released, folder)) for folder in folders)
    assert one == two
    answers = one[".copier-answers.yml"][1].decode("utf-8")
    assert "_commit: 'v0.1.0'\n" in answers
    assert f"_src_path: '{released}'\n" in answers


def test_update_keeps_edits_and_brings_changes(released: Path, tmp_path: Path) -> None:
    repositories = []
    for engine in "cookiecutter", "copier":
        folder = tmp_path / engine
        folder.mkdir()
        repository = born(engine, released, folder)
        run("git", "init", "--quiet", "--initial-branch=main", cwd=repository)
        commit(repository, "Born")
        hub = repository / "config" / "hub.yaml"
        text = hub.read_text("utf-8")
        assert "limit: 2G" in text
        hub.write_text(text.replace("limit: 2G", "limit: 3G"), encoding="utf-8")
        (repository / "docs" / "operations.md").open("a", encoding="utf-8").write("\nAsk Ada.\n")
        (repository / "NOTES.md").write_text("Ours.\n", encoding="utf-8")
        (repository / "mise.toml").unlink()
        commit(repository, "The owner's edits")
        repositories.append(repository)

    tree_of_template = released / "<<cookiecutter.hub_name>>"
    readme = tree_of_template / "README.md"
    readme.write_text(readme.read_text("utf-8") + "\nNews of << cookiecutter.hub_name >>.\n", encoding="utf-8")
    (tree_of_template / "NEW.md").write_text("New.\n", encoding="utf-8")
    commit(released, "News")
    run("git", "tag", "v0.2.0", cwd=released)

    for repository in repositories:
        run(sys.executable, "-m", "copier", "update", "--quiet", "--defaults", cwd=repository)
        assert "limit: 3G" in (repository / "config" / "hub.yaml").read_text("utf-8")
        assert (repository / "docs" / "operations.md").read_text("utf-8").endswith("\nAsk Ada.\n")
        assert (repository / "NOTES.md").read_text("utf-8") == "Ours.\n"
        assert not (repository / "mise.toml").exists()
        assert (repository / "README.md").read_text("utf-8").endswith("\nNews of my-hub.\n")
        assert (repository / "NEW.md").is_file()
        assert "_commit: 'v0.2.0'" in (repository / ".copier-answers.yml").read_text("utf-8")
        assert not list(repository.rglob("*.rej"))
        shutil.rmtree(repository / ".git")
    one, two = map(tree, repositories)
    assert one == two


def test_the_readme_line_for_more_students_changes_nothing_as_it_stands(released: Path, tmp_path: Path) -> None:
    """Pasted with the numbers that it shows, it must not shrink the hub."""
    answers = {**CELL, "students": "120", "peak_students": "110"}
    repository = by_cookiecutter(released, tmp_path, answers)
    run("git", "init", "--quiet", cwd=repository)
    commit(repository, "A hub")
    line = re.search(r"copier==\S+ (update .*--data peak_students=\d+)", (repository / "README.md").read_text("utf-8"))
    run(sys.executable, "-m", "copier", *line[1].split(), cwd=repository)
    assert run("git", "status", "--porcelain", cwd=repository) == ""


# The last commit of the template whose repositories have scripts/ instead of deployer/.
WITH_SCRIPTS = "a169433"
RICH = CELL | {
    "ci": "gitlab",
    "platform": "gke",
    "image_name": "registry.gitlab.com/example-edu/hub",
    "class_times": "mon 10:00-11:30, wed 10:00-11:30",
    "term_ends": "2098-02-12",
}


@pytest.fixture
def since_scripts(template: Path, tmp_path: Path) -> Path:
    """The template as a git repository: v0.1.0 is the last with scripts/, v0.2.0 the working tree."""
    archive = ["git", "archive", f"--output={tmp_path}/old.tar", WITH_SCRIPTS]
    if subprocess.run(archive, cwd=TEMPLATE, capture_output=True).returncode:
        pytest.skip(f"the history of this clone does not have {WITH_SCRIPTS}: `git fetch --unshallow` brings it")
    repository = tmp_path / "z2jh-template"
    shutil.unpack_archive(tmp_path / "old.tar", repository)
    run("git", "init", "--quiet", "--initial-branch=main", cwd=repository)
    commit(repository, "With scripts")
    run("git", "tag", "v0.1.0", cwd=repository)
    run("git", "rm", "-r", "--quiet", ".", cwd=repository)
    shutil.copytree(template, repository, dirs_exist_ok=True)
    commit(repository, "With a deployer")
    run("git", "tag", "v0.2.0", cwd=repository)
    return repository


def test_scripts_go_and_the_deployer_comes(since_scripts: Path, chart: Path, tmp_path: Path) -> None:
    """`make check` and `make impact` pass in that very update, whose base still has its scripts."""
    copier = [sys.executable, "-m", "copier"]
    data = [argument for key, value in RICH.items() for argument in ("--data", f"{key}={value}")]
    copy = ["copy", "--quiet", "--defaults", "--vcs-ref=v0.1.0", *data, str(since_scripts), "my-hub"]
    run(*copier, *copy, cwd=tmp_path)
    repository = tmp_path / "my-hub"
    run("git", "init", "--quiet", "--initial-branch=main", cwd=repository)
    assert (repository / "scripts" / "hub.py").is_file()
    edits = {"config/hub.yaml": ("limit: 2G", "limit: 3G"), "README.md": ("# It's a test", "# Our test")}
    for file, (old, new) in edits.items():
        text = (repository / file).read_text("utf-8")
        assert old in text
        (repository / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    commit(repository, "The owner's edits")

    run(*copier, "update", "--quiet", "--defaults", "--conflict=inline", cwd=repository)
    assert not (repository / "scripts").exists()
    assert (repository / "deployer" / "__main__.py").is_file()
    for file, (_, new) in edits.items():
        assert new in (repository / file).read_text("utf-8")
    (repository / ".venv").mkdir()
    (repository / ".venv" / "complete").touch()
    make = ["make", "--silent", f"PYTHON={sys.executable}"]
    checked = run(*make, "check", cwd=repository)
    assert checked.count("objects are valid for Kubernetes") == 2
    commit(repository, "Update from the template")
    said = run(*make, "impact", "BASE=HEAD^", cwd=repository)
    assert "### staging" in said and "DANGER" not in said
