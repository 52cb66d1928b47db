"""What must be true of the template itself."""

import json
import re
import subprocess
import sys
from itertools import combinations, product
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from repositories import TEMPLATE, tracked

TREE = "<<cookiecutter.hub_name>>/"
QUESTIONS = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))
KEYS = [key for key in QUESTIONS if not key.startswith("_")]
SOURCES = [name for name in tracked(TEMPLATE) if name.startswith((TREE, "templates/"))]


def test_the_rendered_sample_is_what_the_template_writes() -> None:
    done = subprocess.run(
        [sys.executable, "tools/write_sample.py", "--check"], cwd=TEMPLATE, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", SOURCES)
def test_no_file_uses_what_the_template_would_read_as_its_own(name: str) -> None:
    """A heredoc, a here-string and a YAML merge key render to something else, without an error."""
    text = (TEMPLATE / name).read_text(encoding="utf-8")
    assert not re.search(r"<<(?![ -]?\s)|<<<", text.replace("<<cookiecutter.hub_name>>", ""))


@pytest.mark.parametrize("path", QUESTIONS["_only_when"])
def test_what_is_pruned_exists_and_is_kept_for_some_answer(path: str) -> None:
    assert (TEMPLATE / TREE / path).exists()
    condition = Environment().compile_expression(QUESTIONS["_only_when"][path])
    plain = {key: QUESTIONS[key][0] if isinstance(QUESTIONS[key], list) else "" for key in KEYS}
    values = {key: QUESTIONS[key] if isinstance(QUESTIONS[key], list) else ["", "answer"] for key in KEYS}
    kept = [
        condition({**plain, first: one, second: other})
        for first, second in combinations(KEYS, 2)
        for one, other in product(values[first], values[second])
    ]
    assert any(kept), "no answer needs it"
    assert not all(kept), "every answer needs it: take it off the list"


def test_the_list_of_what_is_pruned_fits_a_screen() -> None:
    assert len(QUESTIONS["_only_when"]) <= 24


def test_the_oldest_python_that_is_promised_installs_what_the_tests_need() -> None:
    readmes = [(TEMPLATE / name).read_text(encoding="utf-8") for name in ("README.md", TREE + "README.md")]
    oldest = {re.search(r"Python (3\.[0-9]+) or newer", text)[1] for text in readmes}
    assert len(oldest) == 1
    uv = Path(sys.executable).parent / "uv"
    done = subprocess.run(
        [uv, "pip", "compile", "--quiet", "--python-version", oldest.pop(), "tests/requirements.txt"],
        cwd=TEMPLATE,
        text=True,
        capture_output=True,
    )
    if re.search("Failed to fetch|network|dns error", done.stderr):
        pytest.skip(f"the package index is not reached; connect, and run it again: {done.stderr}")
    assert done.returncode == 0, done.stderr


def test_every_command_names_the_copier_that_is_tested() -> None:
    files = [*SOURCES, "tests/requirements.txt"]
    texts = [(TEMPLATE / name).read_text(encoding="utf-8") for name in files]
    assert len({version for text in texts for version in re.findall(r"copier==([0-9.]+[0-9])", text)}) == 1


def names(expression: nodes.Expr) -> str:
    """A regular expression for the names of pieces that an expression can be."""
    if isinstance(expression, nodes.Concat):
        return "".join(map(names, expression.nodes))
    if isinstance(expression, nodes.List):
        return f"({'|'.join(map(names, expression.items))})"
    if isinstance(expression, nodes.CondExpr):
        return f"({names(expression.expr1)}|{names(expression.expr2)})"
    if isinstance(expression, nodes.Const):
        return re.escape(expression.value)
    if isinstance(expression, nodes.Getattr) and expression.attr == "__pieces":
        return ""
    choices = QUESTIONS.get(expression.attr) if isinstance(expression, nodes.Getattr) else None
    return f"({'|'.join(choices)})" if isinstance(choices, list) else "[a-z0-9-]+"


def test_every_piece_is_included_and_every_include_has_a_piece() -> None:
    """Also with `ignore missing`, where a slip would leave out a piece without a word."""
    jinja = Environment(**QUESTIONS["_jinja2_env_vars"])
    trees = [jinja.parse((TEMPLATE / name).read_text(encoding="utf-8")) for name in SOURCES]
    included = {names(node.template) for tree in trees for node in tree.find_all((nodes.Include, nodes.FromImport))}
    pieces = [name.removeprefix("templates/") for name in SOURCES if name.startswith("templates/")]
    pieces.remove("README.md")
    assert [piece for piece in pieces if not any(re.fullmatch(name, piece) for name in included)] == []
    assert [name for name in included if not any(re.fullmatch(name, piece) for piece in pieces)] == []


def test_a_release_says_which_chart_it_carries() -> None:
    chart = re.search(
        r'version = "(\S+)"', (TEMPLATE / "templates" / "lib" / "jupyterhub_chart.jinja").read_text("utf-8")
    )[1]
    changelog = (TEMPLATE / "CHANGELOG.md").read_text("utf-8")
    assert f"Carries the jupyterhub chart {chart}." in changelog.split("\n## ")[1]
    assert f"a chart over jupyterhub {chart}," in (TEMPLATE / "README.md").read_text("utf-8")
    pinned = [name for name in SOURCES if "jupyterhub" in name or name.endswith("Chart.yaml")]
    assert [name for name in pinned if f"version: {chart}" in (TEMPLATE / name).read_text("utf-8")] == []
