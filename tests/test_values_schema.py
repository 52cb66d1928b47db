"""The keys of config/: the schema knows every key of ours, and every class and trait of the hub image."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from repositories import TEMPLATE, render

SCHEMA = yaml.safe_load((TEMPLATE / "<<cookiecutter.hub_name>>/chart/values.schema.json").read_text(encoding="utf-8"))

# A key, a value that it cannot have, and what Helm says.
TYPOS = {
    "own key": ("cours.title", "Statistics", "additional properties 'cours' not allowed"),
    "course": ("course.studnets", 20, "at '/course': additional properties 'studnets' not allowed"),
    "node": ("course.node.memmory", "14G", "at '/course/node': additional properties 'memmory' not allowed"),
    "calendar": ("course.calendar.class", [], "at '/course/calendar': additional properties 'class' not"),
    "environment": ("environment", "production", "at '/environment': value must be one of 'staging', 'prod'"),
    "class": ("jupyterhub.hub.config.GithubOAuthenticator.scope", [], "additional properties 'GithubOAuthenticator'"),
    "trait": (
        "jupyterhub.hub.config.GitHubOAuthenticator.allowed_organisations",
        ["course"],
        "at '/jupyterhub/hub/config/GitHubOAuthenticator': additional properties 'allowed_organisations' not allowed",
    ),
    "type of a trait": (
        "jupyterhub.hub.config.Authenticator.allowed_users",
        12,
        "at '/jupyterhub/hub/config/Authenticator/allowed_users': got number, want null or string or array",
    ),
}

# What a person leaves empty: without the mapping a template of the chart would crash, or a guard would say nothing.
EMPTY = [
    "robotStudent",
    "course.node",
    "jupyterhub.hub.config",
    "jupyterhub.hub.config.JupyterHub",
    "jupyterhub.hub.extraConfig",
    "jupyterhub.hub.extraConfig.robot-student",
    "jupyterhub.hub.loadRoles.robot-student",
    "jupyterhub.singleuser.extraEnv",
    "jupyterhub.singleuser.memory",
    "jupyterhub.proxy.https",
]


def nested(key: str, value: object) -> dict:
    """`a.b: value` as mappings."""
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def test_schema_is_what_the_packages_say():
    command = [sys.executable, "tools/write_values_schema.py", "--check"]
    checked = subprocess.run(command, cwd=TEMPLATE, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


def rejected(repository: Path, values: Path, key: str, value: object) -> str:
    """What Helm says when a value is added to those of prod."""
    values.write_text(yaml.safe_dump(nested(key, value)), encoding="utf-8")
    done = render(repository, "prod", "--values", str(values))
    assert done.returncode != 0
    return done.stderr


@pytest.mark.chart
@pytest.mark.parametrize("typo", TYPOS)
def test_typo_is_rejected_where_it_stands(typo, bake, tmp_path):
    key, value, sentence = TYPOS[typo]
    assert sentence in rejected(bake(), tmp_path / "typo.yaml", key, value)


def test_typo_is_rejected_by_the_schema_of_the_chart(bake, chart, tmp_path):
    sentence = "additional properties 'memroy' not allowed"
    assert sentence in rejected(bake(), tmp_path / "typo.yaml", "jupyterhub.singleuser.memroy.limit", "2G")


@pytest.mark.chart
@pytest.mark.parametrize("key", EMPTY)
def test_mapping_without_a_value_is_rejected(key, bake, tmp_path):
    path, _, last = key.replace(".", "/").rpartition("/")
    said = rejected(bake(), tmp_path / "empty.yaml", key, None)
    # A key that the chart, too, has by default goes; else its null stays.
    assert f"at '{path and '/' + path}': missing property '{last}'" in said or f"{last}': got null, want" in said


@pytest.mark.chart
def test_known_trait_with_a_fitting_value_passes(bake, tmp_path):
    good = nested("jupyterhub.hub.config.Authenticator.blocked_users", ["robot-student-user", "eve"])
    (tmp_path / "good.yaml").write_text(yaml.safe_dump(good), encoding="utf-8")
    rendered = render(bake(), "prod", "--values", str(tmp_path / "good.yaml"))
    assert rendered.returncode == 0, rendered.stderr


@pytest.mark.chart
@pytest.mark.parametrize(
    "opened",
    [
        {"image": {"name": "quay.io/university/hub", "tag": "2026-11-02"}},
        {"extraConfig": {"01-own": "class Own: pass"}},
    ],
)
def test_schema_opens_for_an_image_or_a_snippet_of_the_owner(opened, bake, tmp_path):
    own = {"jupyterhub": {"hub": {**opened, "config": {"OwnClass": {"x": 1}, "Authenticator": {"own_trait": 1}}}}}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(own), encoding="utf-8")
    rendered = render(bake(), "prod", "--values", str(tmp_path / "own.yaml"))
    assert rendered.returncode == 0, rendered.stderr


def test_schema_knows_the_snippets_of_the_template(bake):
    """With another one, it would be open for everybody."""
    hub = SCHEMA["properties"]["jupyterhub"]["properties"]["hub"]
    known = hub["if"]["anyOf"][1]["properties"]["extraConfig"]["not"]["propertyNames"]["enum"]
    used = set()
    for answers in {}, {"storage": "nfs", "course_content": "https://git.example.edu/course.git"}:
        values = yaml.safe_load((bake(**answers) / "chart" / "values.yaml").read_text(encoding="utf-8"))
        used |= set(values["jupyterhub"]["hub"]["extraConfig"])
    assert used == set(known)
