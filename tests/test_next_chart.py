"""The next breaking version of the jupyterhub chart: `copier update` takes a repository there, edits included.

What the template needs is one line, the version in templates/lib/jupyterhub_chart.jinja. The values are held
against the chart's own schema of either version, and rendered with the chart, or with the stand-in where it is not
there.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import copier
import jsonschema
import pytest
import yaml
from matrix import CELLS
from test_engines import MERGED
from test_guards import BASES, changed
from test_update import run

from repositories import (
    TEMPLATE,
    build_dependency,
    by_cookiecutter,
    commit,
    objects,
    release,
    render,
    run_deployer,
    run_python,
)

OLD, NEXT = "4.4.0", "5.0.0"
DATA = {OLD: TEMPLATE / "tests" / "data" / "jupyterhub-4.4.0", NEXT: TEMPLATE / "tests" / "data" / "jupyterhub-main"}
NEXT_CHART = os.environ.get("Z2JH_NEXT_CHART", "")
TLS = ["none", "autohttps", "ingress", "gateway", "offload"]
REFERENCE = {"kind": "Gateway", "name": "hub", "sectionName": "https"}


def raise_chart(template: Path) -> None:
    """Raise the version of the chart in a template, and nothing else."""
    file = template / "templates" / "lib" / "jupyterhub_chart.jinja"
    text = file.read_text("utf-8")
    assert text.count(f'version = "{OLD}"') == 1
    file.write_text(text.replace(f'version = "{OLD}"', f'version = "{NEXT}"'), encoding="utf-8")


@pytest.fixture(scope="module")
def released(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as a git repository: v0.1.0 carries the present chart, v0.2.0 the next one."""
    repository = release(template, tmp_path_factory.mktemp("released"))
    raise_chart(repository)
    commit(repository, "The chart 5.0.0")
    run("git", "tag", "v0.2.0", cwd=repository)
    return repository


@pytest.fixture(scope="module")
def next_template(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with the next chart, in a folder without git."""
    folder = tmp_path_factory.mktemp("next") / "z2jh-template"
    return Path(shutil.copytree(released, folder, ignore=shutil.ignore_patterns(".git")))


def validate(repository: Path, version: str) -> None:
    """Hold the values of both environments against the schema of the chart. Raises jsonschema.ValidationError."""
    schema = json.loads((DATA[version] / "values.schema.json").read_text("utf-8"))
    merged = run_python(repository, MERGED, str(DATA[version] / "values.yaml"), check=True)
    for values in json.loads(merged.stdout):
        jsonschema.validate(values, schema)


def list_references(repository: Path, folder: Path, chart: str) -> list[dict]:
    """Render prod with a packaged chart; return the Gateways to which the hub's route belongs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("Z2JH_CHART", chart)
        rendered = objects(render(Path(shutil.copytree(repository, folder)), "prod"))
    routes = [item for item in rendered if item["kind"] == "HTTPRoute" and item["metadata"]["name"] == "jupyterhub"]
    return [reference for route in routes for reference in route["spec"]["parentRefs"]]


@pytest.mark.parametrize("tls", TLS)
def test_update_to_the_next_chart(released: Path, tmp_path: Path, tls: str) -> None:
    answers = {"hub_name": "my-hub", "tls": tls, "hub_domain": "" if tls == "none" else "hub.example.edu"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        run("git", "-C", str(released), "checkout", "--quiet", "v0.1.0", cwd=tmp_path)
        repository = by_cookiecutter(released, tmp_path, answers)
        run("git", "-C", str(released), "checkout", "--quiet", "main", cwd=tmp_path)
    run("git", "init", "--quiet", "--initial-branch=main", cwd=repository)
    commit(repository, "Born")
    hub = repository / "config" / "hub.yaml"
    hub.write_text(hub.read_text("utf-8").replace("limit: 2G", "limit: 3G"), encoding="utf-8")
    prod = repository / "config" / "prod.yaml"
    prod.write_text(prod.read_text("utf-8") + "course:\n  students: 21\n", encoding="utf-8")
    (repository / "docs" / "operations.md").open("a", encoding="utf-8").write("\nAsk Ada.\n")
    commit(repository, "The owner's edits")
    validate(repository, OLD)
    wanted = [REFERENCE] if tls == "gateway" else []
    if "NO_CHART" not in os.environ:
        found = list_references(repository, tmp_path / "before", os.environ["Z2JH_CHART"])
        assert found == [{**reference, "namespace": ""} for reference in wanted]

    copier.run_update(repository, defaults=True, overwrite=True, quiet=True)

    metadata = yaml.safe_load((repository / "chart" / "Chart.yaml").read_text("utf-8"))
    assert metadata["dependencies"][0]["version"] == NEXT
    assert metadata["kubeVersion"] == ">=1.32.0-0"
    assert "limit: 3G" in hub.read_text("utf-8")
    assert prod.read_text("utf-8").endswith("course:\n  students: 21\n")
    assert (repository / "docs" / "operations.md").read_text("utf-8").endswith("\nAsk Ada.\n")
    validate(repository, NEXT)
    checked = run_deployer(repository, "check", "--offline")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    if NEXT_CHART:
        assert list_references(repository, tmp_path / "after", NEXT_CHART) == wanted


@pytest.mark.parametrize("cell", ["defaults"])
def test_the_next_chart_itself(next_template: Path, tmp_path: Path, cell: str) -> None:
    if not NEXT_CHART:
        pytest.skip(f"set Z2JH_NEXT_CHART to a packaged chart {NEXT}, which `helm package` makes of its main branch")
    repository = by_cookiecutter(next_template, tmp_path, CELLS[cell])
    done = run_deployer(repository, "check", Z2JH_CHART=NEXT_CHART)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "prod: " in done.stdout and "objects are valid for Kubernetes" in done.stdout


def say(helm: str, repository: Path, version: str, change: dict) -> str:
    """Return what the guards say of a change of config/hub.yaml with the stand-in of a version of the chart."""
    metadata = repository / "chart" / "charts" / "jupyterhub" / "Chart.yaml"
    metadata.write_text(f"apiVersion: v2\nname: jupyterhub\nversion: {version}\n", encoding="utf-8")
    wrapper = repository / "chart" / "Chart.yaml"
    wrapper.write_text(wrapper.read_text("utf-8").replace(f"version: {OLD}", f"version: {version}"), encoding="utf-8")
    values = changed(yaml.safe_load((repository / "config" / "hub.yaml").read_text("utf-8")), change)
    (repository / "changed.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    layers = ["changed.yaml", "config/prod.yaml", "chart/ci/fake-secrets.yaml"]
    files = [argument for layer in layers for argument in ("--values", layer)]
    release = f"{repository.name}-prod"
    command = [helm, "template", release, "chart", "--namespace", release, *files]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True).stderr


@pytest.mark.parametrize(
    ("version", "route", "sentence"),
    [
        (
            NEXT,
            {"gateway": {"name": "campus", "namespace": "", "sectionName": "https"}, "parentRefs": None},
            "jupyterhub.httpRoute.gateway: the chart 5.0.0 does not read it. Remove it, and write "
            '`parentRefs: [{"kind":"Gateway","name":"campus","sectionName":"https"}]` below jupyterhub.httpRoute',
        ),
        (
            NEXT,
            {"gateway": None, "parentRefs": []},
            "jupyterhub.httpRoute.parentRefs: it is empty, so the route",
        ),
        (
            NEXT,
            {"gateway": None, "parentRefs": [REFERENCE, {"name": "campus"}]},
            "jupyterhub.httpRoute.parentRefs[1].sectionName: '' includes plain HTTP",
        ),
        (NEXT, {"gateway": None, "parentRefs": [REFERENCE]}, ""),
        (
            OLD,
            {"gateway": None, "parentRefs": [REFERENCE]},
            "jupyterhub.httpRoute.parentRefs: the chart 4.4.0 does not read it. Remove it, and write "
            '`gateway: {"name":"hub","sectionName":"https"}` below jupyterhub.httpRoute',
        ),
        (OLD, {"gateway": REFERENCE, "parentRefs": None}, ""),
    ],
)
def test_guard_says_what_to_write(
    edited, each_helm: str, monkeypatch: pytest.MonkeyPatch, version: str, route: dict, sentence: str
) -> None:
    """An owner's own `gateway` is read by no chart 5, and one who is ahead of the chart has no route either."""
    repository = edited()
    monkeypatch.setenv("NO_CHART", "the stand-in is wanted")
    shutil.rmtree(repository / "chart" / "charts", ignore_errors=True)
    build_dependency(repository)
    change = BASES["gateway"] | {f"jupyterhub.httpRoute.{key}": value for key, value in route.items()}
    said = say(each_helm, repository, version, change)
    assert (sentence in said) if sentence else (said == ""), said
