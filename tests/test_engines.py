"""Every cell of the matrix: both engines write the same repository, and it lints, renders and validates."""

import json
import os
import re
import shutil
import stat
from functools import cache
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml
from matrix import CELLS, CHOICES, ROWS, uncovered

from repositories import LOADER, TEMPLATE, by_copier, objects, put_stand_in, render, run_deployer, run_python

# The versions of Kubernetes that make check validates for.
KUBERNETES = [f"1.{minor}" for minor in range(30, 38)]
# Kinds that are no part of Kubernetes itself, so that its schemas do not have them.
FOREIGN = {"GCPBackendPolicy", "Gateway", "HTTPRoute", "HealthCheckPolicy", "Issuer"}
# Data of the jupyterhub chart, so that values are checked where the chart itself is not available.
DATA = TEMPLATE / "tests" / "data" / "jupyterhub-4.4.0"
SYNTAX = re.compile(r"<<|<%|%>|<#|#>|cookiecutter|copier_answers")
# Where those words are meant.
MENTIONS = {"cookiecutter", "copier"}


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Mode and content of every file below a folder, but for what rendering has put there."""
    made = {"charts", "__pycache__"}
    return {
        str(path.relative_to(folder)): (stat.S_IMODE(path.stat().st_mode), path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file() and not made & set(path.relative_to(folder).parts)
    }


def test_every_allowed_pair_is_there() -> None:
    assert uncovered(list(ROWS.values())) == []
    for key, values in CHOICES.items():
        assert {row[key] for row in ROWS.values()} == set(values)


@pytest.mark.parametrize("cell", CELLS)
def test_both_engines_write_the_same(template: Path, bake, tmp_path: Path, cell: str) -> None:
    one = tree(bake(**CELLS[cell]))
    two = tree(by_copier(template, tmp_path, CELLS[cell]))
    assert sorted(one) == sorted(two)
    assert {name for name in one if one[name] != two[name]} == set()


@pytest.mark.parametrize("cell", CELLS)
def test_nothing_of_the_template_is_left(bake, cell: str) -> None:
    title = CELLS[cell].get("course_title", "")
    for name, (_, content) in tree(bake(**CELLS[cell])).items():
        # One document shows the marker of a conflict.
        marker = "<" * 7 + " " if name == "docs/updates.md" else ""
        text = content.decode("utf-8").replace(marker, "") if marker else content.decode("utf-8")
        found = SYNTAX.findall(text.replace(title, "") if title else text)
        assert set(found) <= MENTIONS, name


@pytest.mark.parametrize("cell", CELLS)
def test_its_own_check_passes_without_the_chart(bake, cell: str) -> None:
    """`make check OFFLINE=1`: lint, the wrapper's schema, guards and templates, with a stand-in for the chart."""
    done = run_deployer(bake(**CELLS[cell]), "check", "--offline")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "OFFLINE=1 left out: " in done.stdout.splitlines()[-1]


MERGED = """
import json, pathlib, sys
from deployer.paths import FAKE_SECRETS
from deployer.values import merge, read_values
from deployer.yaml_files import read_mapping
chart = read_mapping(pathlib.Path(sys.argv[1]))
ours = [merge(read_values(env), read_mapping(FAKE_SECRETS)) for env in ("staging", "prod")]
print(json.dumps([merge(chart, values["jupyterhub"]) for values in ours]))
"""


@pytest.mark.parametrize("cell", CELLS)
def test_values_keep_to_the_schema_of_the_chart(bake, cell: str) -> None:
    schema = json.loads((DATA / "values.schema.json").read_text(encoding="utf-8"))
    merged = run_python(bake(**CELLS[cell]), MERGED, str(DATA / "values.yaml"), check=True)
    for values in json.loads(merged.stdout):
        jsonschema.validate(values, schema)


# It would list its folders, and read 1.5 MB of schemas, again for each object.
kubernetes_validate.utils.schema_contents = cache(kubernetes_validate.utils.schema_contents)
kubernetes_validate.utils.all_versions = cache(kubernetes_validate.utils.all_versions)


@cache
def valid(manifest: str) -> None:
    """Validate an object, once however often it comes. Raises kubernetes_validate.ValidationError."""
    item = json.loads(manifest)
    for version in KUBERNETES:
        try:
            kubernetes_validate.validate(item, version, strict=True)
        except kubernetes_validate.SchemaNotFoundError:
            assert item["kind"] in FOREIGN


def own(rendered: str) -> list[dict]:
    """Return the objects that come from our own templates, in the order of their files."""
    found = []
    for text in ("\n" + rendered).split("\n---\n# Source: ")[1:]:
        file, _, manifest = text.partition("\n")
        if "/charts/" not in file:
            found.append((file, yaml.load(manifest, Loader=LOADER)))  # noqa: S506 - a SafeLoader
    return [item for _, item in sorted(found, key=lambda pair: (pair[0], pair[1]["kind"], pair[1]["metadata"]["name"]))]


def with_stand_in(repository: Path, env: str, folder: Path) -> str:
    """Render an environment with the stand-in for the jupyterhub chart."""
    chart = shutil.copytree(repository / "chart", folder / env, ignore=shutil.ignore_patterns("charts"))
    put_stand_in(chart)
    return render(repository, env, chart=chart).stdout


@pytest.mark.chart
@pytest.mark.parametrize("cell", CELLS)
def test_both_environments_render_and_validate(bake, tmp_path: Path, cell: str) -> None:
    repository = bake(**CELLS[cell])
    for env in "staging", "prod":
        rendered = render(repository, env)
        found = objects(rendered)
        names = {(item["kind"], item["metadata"]["name"]) for item in found}
        assert ("Pod", "robot-student") in names
        if "NO_CHART" not in os.environ:
            assert {("Deployment", "hub"), ("Deployment", "proxy")} <= names
            assert own(rendered.stdout) == own(with_stand_in(repository, env, tmp_path))
        for item in found:
            valid(json.dumps(item, sort_keys=True))


def strings(value: object) -> set[str]:
    """Every string in a value."""
    if isinstance(value, dict):
        return set().union(*map(strings, value.values()))
    if isinstance(value, list):
        return set().union(*map(strings, value))
    return {value} if isinstance(value, str) else set()


@pytest.mark.parametrize(
    "title",
    [
        'It\'s "quoted"',
        "Statistics: part 2",
        "C# and F#",
        "# heading",
        "{{ .Values.x }} and {% raw %}",
        "$(id) ${HOME} $HOME `id`",
        "back\\slash \\n",
        "100 % & <b>bold</b>",
        "null",
        "2026-11-23",
        "- item",
        "🐍 données",
        "مقدمة في علم البيانات",
        "tab-free, comma, *star* _underscore_ [x](y)",
    ],
)
def test_any_title_comes_out_as_the_same_text(template: Path, bake, tmp_path: Path, title: str) -> None:
    repository = bake(course_title=title)
    assert tree(repository) == tree(by_copier(template, tmp_path, {"course_title": title}))
    for name in "config/hub.yaml", ".copier-answers.yml", "chart/Chart.yaml":
        assert any(title in text for text in strings(yaml.safe_load((repository / name).read_text("utf-8")))), name
    assert title in (repository / "README.md").read_text("utf-8").splitlines()[0]


@pytest.mark.chart
@pytest.mark.parametrize("version", ["1.28.0", *(f"{version}.0" for version in KUBERNETES)])
def test_default_repository_renders(bake, each_helm: str, monkeypatch, version: str) -> None:
    monkeypatch.setenv("HELM", each_helm)
    assert objects(render(bake(), "prod", "--kube-version", version))


def test_too_old_a_cluster_is_rejected(bake) -> None:
    done = render(bake(), "prod", "--kube-version", "1.27.9")
    assert "chart requires kubeVersion: >=1.28.0-0" in done.stderr
