"""The package deployer/ of a generated repository: its shape, its contract with other commits, and its types."""

import ast
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from repositories import TEMPLATE, run_deployer

PACKAGE = TEMPLATE / "<<cookiecutter.hub_name>>" / "deployer"
MODULES = sorted(PACKAGE.rglob("*.py"))
# Only these print what people see.
PRINTERS = {PACKAGE / "__main__.py", *(PACKAGE / "commands").glob("*.py")}
# The trial prints its steps while they run.
PRINTERS |= {PACKAGE / "trial" / "robot.py"}
# A program that runs in a pod, and prints to the one here.
AGENT = PACKAGE / "homes" / "agent.py"
PRINTERS |= {AGENT}
ENDS = {"print", "exit", "quit", "SystemExit"}


def name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def called(tree: ast.Module) -> Iterator[str]:
    """The names of what a module calls or raises."""
    for node in ast.walk(tree):
        found = node.func if isinstance(node, ast.Call) else node.exc if isinstance(node, ast.Raise) else None
        if isinstance(found, ast.Name):
            yield found.id
        elif isinstance(found, ast.Attribute) and isinstance(found.value, ast.Name):
            yield f"{found.value.id}.{found.attr}"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_leaves_never_print_or_exit(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    allowed = {"print"} if path in PRINTERS else set()
    allowed |= {"sys.exit"} if path.name == "__main__.py" or path == AGENT else set()
    assert {*called(tree)} & {*ENDS, "sys.exit", "os._exit"} <= allowed


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_module_is_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 250


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_local_shadows_a_module(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {
        (alias.asname or alias.name).partition(".")[0]
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    locals_of = {
        node.arg if isinstance(node, ast.arg) else node.id
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.arg) or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    }
    assert not imported & locals_of


def test_the_package_is_the_same_for_all_answers(bake: Callable[..., Path]) -> None:
    other = bake(sign_in="github", sign_in_allow="org", platform="gke", ci="gitlab", secrets="gcp-kms")
    for repository in (bake(), other):
        files = {path for path in (repository / "deployer").rglob("*") if "__pycache__" not in path.parts}
        written = {path.relative_to(repository / "deployer"): path.read_bytes() for path in files if path.is_file()}
        source = {path.relative_to(PACKAGE): path.read_bytes() for path in PACKAGE.rglob("*") if path.is_file()}
        assert written == {path: text for path, text in source.items() if "__pycache__" not in path.parts}


def test_every_command_has_help(bake: Callable[..., Path]) -> None:
    listed = run_deployer(bake(), "--help").stdout
    for module in (PACKAGE / "commands").glob("*.py"):
        if "def run(" in module.read_text(encoding="utf-8"):
            command = module.stem.replace("_", "-")
            assert f"    {command}" in listed
            done = run_deployer(bake(), command, "--help")
            assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("env", ["staging", "prod"])
def test_render_is_a_contract(bake: Callable[..., Path], chart: Path, env: str) -> None:
    """`make impact` of later versions reads this of a commit of today: keys may be added, none may go."""
    done = run_deployer(bake(), "render", "--env", env, "--output", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["environment"] == env
    assert found["values"]["environment"] == env and found["values"]["course"]["peak"] == 20
    objects = {(item["kind"], item["metadata"]["name"]) for item in found["objects"]}
    assert {("Deployment", "hub"), ("Secret", "hub"), ("Service", "proxy-public")} <= objects


def test_render_needs_no_other_package_than_pyyaml(bake: Callable[..., Path], chart: Path) -> None:
    """The commit to compare with runs with the packages of this one."""
    code = """
import runpy, sys
sys.argv = ["deployer", "render", "--env=prod", "--output=json"]
try:
    runpy.run_module("deployer", run_name="__main__")
except SystemExit as end:
    assert not end.code
found = {getattr(module, "__file__", None) or "" for module in sys.modules.values()}
names = {path.partition("site-packages/")[2].split("/")[0] for path in found if "site-packages" in path}
print(*names, file=sys.stderr)
"""
    without = subprocess.run([sys.executable, "-c", code.replace("deployer", "this")], capture_output=True, text=True)
    done = subprocess.run([sys.executable, "-c", code], cwd=bake(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # What the environment of the tests imports in every Python is not the command's.
    assert {*done.stderr.split()} - {*without.stderr.split()} == {"yaml"}


CLUMSY = {
    "ENV: 'pord' is not one of staging, prod. Write ENV=staging or ENV=prod": ["status", "--env=pord"],
    "ENV: '' is not one of staging, prod.": ["try-hub", "--env="],
    "AT_ONCE: 'x' is not a whole number. Write digits only, such as AT_ONCE=": [
        "archive",
        "--env=prod",
        "--at-once=x",
    ],
    "REVISION: 'last' is not a whole number.": ["rollback", "--env=prod", "--revision=last"],
    "ANSWERS: '..' is a folder. Write the path of the YAML file": ["new-term", "--old=a", "--answers=.."],
    "ANSWERS: 'no.yaml' does not exist.": ["new-term", "--old=a", "--answers=no.yaml"],
    "PORT: 'abc' is not a port. Write a number from 1024 to 65535": ["try-hub", "--port=abc"],
    "PORT: '99999' is not a port.": ["try-on", "--on=kind", "--port=99999"],
    "TIMEOUT: 'soon' is not a duration. Write a number with s, m or h": [
        "try-on",
        "--on=kind",
        "--timeout=soon",
    ],
}


@pytest.mark.parametrize("sentence", CLUMSY)
def test_wrong_value_is_rejected_with_a_sentence(sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(PACKAGE.parent)
    program = importlib.import_module("deployer.__main__")
    with pytest.raises(program.UserError, match=re.escape(sentence)):
        program.load_command(CLUMSY[sentence][0]).run(program.parse_arguments(CLUMSY[sentence]))


@pytest.mark.parametrize(
    ("commits", "first"),
    [
        (["a", "b"], 2),
        # b was deployed twice.
        (["a", "b", "b"], 2),
        # A rollback from b to a.
        (["a", "b", "a"], 1),
        # What Helm has done by hand has no commit.
        (["", "b", ""], 3),
    ],
)
def test_a_rollback_goes_below_the_first_revision_of_a_commit(
    monkeypatch: pytest.MonkeyPatch, commits: list[str], first: int
) -> None:
    monkeypatch.syspath_prepend(PACKAGE.parent)
    release = importlib.import_module("deployer.cluster.release")
    rollback = importlib.import_module("deployer.commands.rollback")
    now = datetime.now(timezone.utc)
    kept = [release.Revision(number, "superseded", now, commit) for number, commit in enumerate(commits, 1)]
    assert rollback.find_first_of_commit(kept) == first


@pytest.mark.parametrize(
    ("source", "is_there"),
    [
        ("gh:ORG/x", True),
        ("git@host:o/x.git", True),
        ("https://x.org/y", True),
        (str(PACKAGE), True),
        ("../gone", False),
    ],
)
def test_a_template_that_has_moved_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str, is_there: bool
) -> None:
    monkeypatch.syspath_prepend(PACKAGE.parent)
    copier = importlib.import_module("deployer.copier")
    file = tmp_path / "answers.yml"
    file.write_text(f"_src_path: '{source}'\n", encoding="utf-8")
    monkeypatch.setattr(copier, "ANSWERS", file)
    if is_there:
        copier.require_template()
    else:
        with pytest.raises(copier.UserError, match=r"_src_path is '\.\./gone', and that folder is not here\. Write"):
            copier.require_template()
