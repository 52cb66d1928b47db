"""A repository born with either engine takes `copier update`: its owner's edits stay, the template's changes arrive."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt
from test_engines import tree

from repositories import TEMPLATE, by_cookiecutter, commit, release, run_python

CELL = {"hub_name": "my-hub", "course_title": "It's a test: 🐍", "sign_in": "github", "sign_in_allow": "example-org"}


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture
def released(template: Path, tmp_path: Path) -> Path:
    """The template as a git repository with the tag v0.1.0."""
    return release(template, tmp_path)


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
    """Pasted with its words in the place of numbers, it says so, and must not shrink the hub."""
    repository = by_cookiecutter(released, tmp_path, {**CELL, "students": "120", "peak_students": "110"})
    run("git", "init", "--quiet", cwd=repository)
    commit(repository, "A hub")
    line = re.search(
        r"copier==\S+ (update .*--data peak_students=[\w-]+)", (repository / "README.md").read_text("utf-8")
    )
    command = [sys.executable, "-m", "copier", *line[1].split()]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    assert done.returncode != 0 and "students: is not a whole number from 1 to 99999 ('ENROLLED')" in done.stderr
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


# What a changelog could hold: the end of its block, commands to GitLab, signs of a shell and of YAML, the end of a line
# in a push option, and text that is shown in another order than it is written.
HOSTILE = """
- An entry that ends early:
````
/merge
`````text
Closes #1 @all $(touch hacked) `touch hacked` ${HOME} "'
::set-output name=x::y
- Another\\n`````\\n/approve\\n<!-- \u202eeht no
"""


def test_a_request_says_what_is_new(released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make update` prints the changelog between two tags, conflicts and what a merge will do, and GitLab gets it."""
    monkeypatch.setenv("COPIER", f"{sys.executable} -m copier")
    (released / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n- An old entry,\n  on two lines.\n")
    commit(released)
    run("git", "tag", "--force", "v0.1.0", cwd=released)
    data = [argument for key, value in (CELL | {"ci": "gitlab"}).items() for argument in ("--data", f"{key}={value}")]
    run(sys.executable, "-m", "copier", "copy", "--quiet", "--defaults", *data, str(released), "my-hub", cwd=tmp_path)
    repository = tmp_path / "my-hub"
    tree_of_template = released / "<<cookiecutter.hub_name>>"
    for folder, line in (repository, "Ours."), (tree_of_template, "Theirs."):
        (folder / "README.md").open("a", encoding="utf-8").write(f"\n{line}\n")
    values = tree_of_template / "config" / "hub.yaml"
    assert "\n    timeout: 3600" in values.read_text("utf-8")
    values.write_text(values.read_text("utf-8").replace("\n    timeout: 3600", "\n    timeout: 7200"), "utf-8")
    (repository / ".venv").mkdir()
    (repository / ".venv" / "complete").touch()
    run("git", "init", "--quiet", "--initial-branch=main", cwd=repository)
    commit(repository)
    news = "# Changelog\n\n## v0.2.0\n\n- An old entry, on\n  two lines.\n" + HOSTILE
    (released / "CHANGELOG.md").write_text(news, "utf-8")
    commit(released)
    run("git", "tag", "v0.2.0", cwd=released)

    said = run("make", "--silent", f"PYTHON={sys.executable}", "update", cwd=repository)
    assert "From `v0.1.0` to `v0.2.0`:" in said and "(`make impact`)" in said and "An old entry" not in said
    words = "- Idle servers are stopped after 7200 seconds (now: 3600)." in said
    assert words or ("NO_CHART" in os.environ and "It cannot say so yet" in said)
    assert "make[" not in said
    blocks = [token for token in MarkdownIt().parse(said) if token.type == "fence"]
    assert blocks[0].content == "README.md\n"
    shown = HOSTILE.replace("\u202e", " ").strip()
    assert blocks[1].content == f"## v0.2.0\n\n{shown}\n"
    assert said.count("/merge") == blocks[1].content.count("/merge") == 1

    # The job that proposes it, with a real push. GitLab's own side of a push option: it reads \n as the end of a line.
    (repository / "update.md").write_text(said, "utf-8")
    run("git", "add", "--all", ":!update.md", cwd=repository)
    patch = run("git", "diff", "--cached", "--binary", cwd=repository)
    (repository / "update.patch").write_text(patch, "utf-8")
    run("git", "reset", "--quiet", "--hard", cwd=repository)
    service = tmp_path / "service.git"
    run("git", "init", "--quiet", "--bare", str(service), cwd=tmp_path)
    run("git", "config", "receive.advertisePushOptions", "true", cwd=service)
    hook = service / "hooks" / "post-receive"
    hook.write_text(f'#!/bin/sh\nprintf "%s" "$GIT_PUSH_OPTION_2" > {tmp_path}/option\n')
    hook.chmod(0o755)
    script = yaml.safe_load((repository / ".gitlab-ci.yml").read_text("utf-8"))["propose"]["script"]
    variables = {"TEMPLATE_TOKEN": "t", "CI_DEFAULT_BRANCH": "main", "CI_SERVER_PROTOCOL": "https"}
    variables |= {"CI_PROJECT_PATH": "a/b"}
    variables |= {"CI_SERVER_FQDN": "gitlab.example", "GITLAB_USER_NAME": "Ada", "GITLAB_USER_EMAIL": "ada@example.org"}
    variables |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{service}.insteadOf"}
    variables |= {"GIT_CONFIG_VALUE_0": "https://update:t@gitlab.example/a/b.git"}
    for key, value in variables.items():
        monkeypatch.setenv(key, value)
    run("bash", "-ec", "\n".join(script), cwd=repository)
    received = (tmp_path / "option").read_text("utf-8").removeprefix("merge_request.description=").replace("\\n", "\n")
    assert received == said.replace("\\n", "\\ n")
    assert not list(tmp_path.rglob("hacked"))
    assert run("git", "log", "--format=%s", "update-from-the-template", cwd=service).startswith("Update from the templ")


NEWS = """
import sys
from deployer.changelog import describe_news
print(describe_news(*sys.argv[1:]))
"""


def test_a_changelog_of_plain_commits_or_none(bake, tmp_path: Path) -> None:
    template = tmp_path / "template"
    template.mkdir()
    run("git", "init", "--quiet", cwd=template)
    commits = []
    for text in ("", "# Changelog\n\n- One.\n", "# Changelog\n\n- One.\n" + "- Much more of it.\n" * 9000):
        if text:
            (template / "CHANGELOG.md").write_text(text, "utf-8")
        commit(template)
        commits.append(run("git", "describe", "--always", cwd=template).strip())

    def ask(old: str, new: str, source: Path = template) -> str:
        return run_python(bake(**CELL), NEWS, str(source), old, new).stdout.strip()

    assert ask(commits[0], commits[1]) == "```text\n# Changelog\n\n- One.\n```"
    long = ask(commits[1], commits[2])
    assert "One." not in long and "(and more: CHANGELOG.md of the template)" in long and len(long) < 41000
    assert "no CHANGELOG.md" in ask(commits[1], commits[0])
    assert "no entry for this update" in ask(commits[1], commits[1])
    assert "does not have 'v9'" in ask("v9", commits[1])
    assert "does not have '--help'" in ask("--help", commits[1])
    assert "cannot be cloned" in ask(commits[0], commits[1], tmp_path / "gone")
