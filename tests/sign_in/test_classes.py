"""Every way to sign in has classes and traits of the real JupyterHub, and a page that is right."""

import base64
import copy
import math
import re
import sys
from pathlib import Path

import hubs
import pytest
import yaml
from jupyterhub.app import JupyterHub
from jupyterhub.auth import Authenticator
from kubespawner import KubeSpawner
from sign_ins import (
    DOMAIN,
    RULES,
    passwords,
    rendered,
)
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from repositories import run_python


def loaded(items: list[dict], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """What the chart's jupyterhub_config.py makes of the rendered values, read as JupyterHub reads it."""
    config = hubs.configuration(items, folder)
    for name, value in hubs.environment(folder).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.delitem(sys.modules, "z2jh", raising=False)
    return PyFileConfigLoader(config.name, path=str(folder)).load_config()


def unknown(config: Config) -> list[str]:
    """The sections that no class of this hub reads, and the traits that its class does not have."""
    hub = JupyterHub(config=config)
    classes = {kind.__name__: kind for top in (hub.authenticator_class, KubeSpawner) for kind in top.mro()}
    classes |= {kind.__name__: kind for kind in (JupyterHub, *hub.classes)}
    sections = {name: values for name, values in config.items() if values}
    strange = [name for name in sections if name not in classes]
    return strange + [
        f"{name}.{trait}"
        for name, values in sections.items()
        if name in classes
        for trait in values
        if trait not in classes[name].class_traits(config=True)
    ]


@pytest.mark.parametrize("rule", RULES)
def test_classes_traits_and_secrets_are_real(bake, chart: Path, tmp_path: Path, monkeypatch, rule: str) -> None:
    repository = bake(**RULES[rule])
    config = loaded(rendered(repository), tmp_path / "hub", monkeypatch)
    assert unknown(config) == []
    authenticator = JupyterHub(config=config).authenticator_class(config=config)
    assert isinstance(authenticator, Authenticator)
    assert authenticator.any_allow_config or authenticator.idps, "nobody could sign in"
    assert not authenticator.allow_existing_users
    assert not config.JupyterHub.admin_access
    fakes = yaml.safe_load((repository / "chart" / "ci" / "fake-secrets.yaml").read_text(encoding="utf-8"))
    sections = {name for name in fakes["jupyterhub"]["hub"]["config"] if name.endswith("Authenticator")}
    assert len(sections) == 1 and sections <= {kind.__name__ for kind in type(authenticator).mro()}
    roles = {role["name"]: role for role in config.JupyterHub.load_roles}
    if rule.startswith("shared-password"):
        assert set(roles["admin"]["users"]) == authenticator.admin_users == {"instructor"}
        return
    # Course staff have a role, are no admins, and may sign in.
    staff = roles["course-staff"]["users"]
    assert len(staff) == 1 and staff[0].startswith(("hopper", "fill-in--"))
    assert not {"access:servers", "admin:users", "admin:servers", "inherit"} & set(roles["course-staff"]["scopes"])
    assert not authenticator.admin_users
    assert authenticator.validate_username(staff[0])
    names = authenticator.allowed_users
    assert set(staff) <= names or (not names and (authenticator.allow_all or authenticator.idps))


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("allowed_organizations:", "allowed_organisations:", "GitHubOAuthenticator.allowed_organisations"),
        ("GitHubOAuthenticator:", "GithubOAuthenticator:", "GithubOAuthenticator"),
    ],
)
def test_a_misspelt_name_is_found(bake, chart: Path, tmp_path: Path, monkeypatch, old, new, found) -> None:
    """Past the chart's schema, which rejects it before."""
    items = copy.deepcopy(rendered(bake(**RULES["github"])))
    secret = next(item for item in items if item["kind"] == "Secret" and item["metadata"]["name"] == "hub")
    values = base64.b64decode(secret["data"]["values.yaml"]).decode()
    assert old in values
    secret["data"]["values.yaml"] = base64.b64encode(values.replace(old, new).encode()).decode()
    assert unknown(loaded(items, tmp_path / "hub", monkeypatch)) == [found]


def test_the_page_says_how_long_the_passwords_last(bake) -> None:
    """The numbers of the page, from the recipe that generates the passwords."""
    repository = bake()
    page = (repository / "docs" / "sign-in.md").read_text(encoding="utf-8")
    assert passwords(repository)[0].startswith("fake-for-rendering--password-16--")
    sources = "".join(path.read_text(encoding="utf-8") for path in repository.rglob("*.py"))
    letters = len(re.search(r'^LETTERS = "(\w+)"', sources, re.M)[1])
    year = 365.25 * 24 * 3600
    for words, count, bits, seconds, said in [
        ("generated, 16 of 57 letters and digits", letters**16, 93, 1e17 * year, "10<sup>17</sup> years"),
        ("four random words from a list of 7,776", 7776**4, 52, 58_000 * year, "58,000 years"),
        ("eight random lower-case letters", 26**8, 38, 3 * year, "3 years"),
        ("one word and two digits", 10_000 * 100, 20, 8 * 60, "8 minutes"),
    ]:
        assert f"| {words} | 2<sup>{bits}</sup> | {said} |" in page
        assert round(math.log2(count)) == bits and 0.9 < count / 2 / 1000 / seconds < 2


def test_each_environment_has_its_own_callback(bake) -> None:
    expected = [
        (DOMAIN, "staging", "https://staging.hub.example.edu/hub/oauth_callback"),
        (DOMAIN, "prod", "https://hub.example.edu/hub/oauth_callback"),
        ({}, "staging", "http://localhost:8000/hub/oauth_callback"),
        ({}, "prod", "http://localhost:8000/hub/oauth_callback"),
    ]
    for answers, env, callback in expected:
        repository = bake(**RULES["github"], **answers)
        values = yaml.safe_load((repository / "config" / f"{env}.yaml").read_text(encoding="utf-8"))
        assert values["jupyterhub"]["hub"]["config"]["OAuthenticator"]["oauth_callback_url"] == callback
        assert callback in (repository / "docs" / "sign-in.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("rule", ["shared-password", "github", "lti13"])
def test_the_page_names_secrets_that_there_are(bake, rule: str) -> None:
    repository = bake(**RULES[rule])
    named = set(re.findall(r"KEY=([\w.]+)", (repository / "docs" / "sign-in.md").read_text(encoding="utf-8")))
    listed = "from deployer.secrets import generation as g; print(*map(g.join_keys, g.list_recipes()))"
    found = run_python(repository, listed, check=True)
    assert named and named <= set(found.stdout.split())
