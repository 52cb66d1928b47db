"""Every way to sign in, in the real JupyterHub of the hub image: its classes, its traits, its page and its rule."""

import base64
import copy
import sys
from functools import cache
from pathlib import Path

import hubs
import pytest
import yaml
from jupyterhub.app import JupyterHub
from jupyterhub.auth import Authenticator
from kubespawner import KubeSpawner
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from repositories import objects, render

DOMAIN = {"hub_domain": "hub.example.edu", "tls": "offload"}
IDP = "https://idp.example.edu/idp/shibboleth"
# Every way, with every form of its rule.
RULES = {
    "shared-password": {},
    "shared-password-names": {"sign_in": "shared-password", "sign_in_allow": "ada, grace.h"},
    "github": {"sign_in": "github", "sign_in_allow": "my-org, other-org:team-1, user:octo-cat"},
    "github-names": {"sign_in": "github", "sign_in_allow": "user:octo-cat", "admin_users": "hopper"},
    "github-everybody": {"sign_in": "github", "sign_in_allow": "everybody"},
    "google": {"sign_in": "google", "sign_in_allow": "example.edu", "admin_users": "hopper"},
    "google-domains": {"sign_in": "google", "sign_in_allow": "a.edu, B.edu", "admin_users": "hopper@a.edu"},
    "google-names": {"sign_in": "google", "sign_in_allow": "ada@gmail.com", "admin_users": "hopper@a.edu"},
    "google-everybody": {"sign_in": "google", "sign_in_allow": "everybody"},
    "cilogon": {"sign_in": "cilogon", "sign_in_allow": IDP, "admin_users": "hopper@example.edu"},
    "cilogon-two": {"sign_in": "cilogon", "sign_in_allow": f"{IDP}, urn:mace:incommon:other.edu"},
    "microsoft": {"sign_in": "microsoft", "sign_in_allow": "everybody"},
    "microsoft-domains": {"sign_in": "microsoft", "sign_in_allow": "a.edu, b.edu", "admin_users": "hopper@c.edu"},
    "microsoft-groups": {
        "sign_in": "microsoft",
        "sign_in_allow": "12345678-9abc-def0-1234-56789abcdef0, ada@a.edu",
        "admin_users": "hopper@a.edu",
    },
    "lti13": {"sign_in": "lti13"},
    "lti13-names": {"sign_in": "lti13", "sign_in_allow": "ada@a.edu", "admin_users": "hopper@a.edu"},
    "oidc": {"sign_in": "oidc", "sign_in_allow": "ada, user:grace.h, group:course", "admin_users": "hopper"},
    "oidc-domain": {"sign_in": "oidc", "sign_in_allow": "a.edu, b.edu", "admin_users": "hopper@c.edu"},
    "oidc-everybody": {"sign_in": "oidc", "sign_in_allow": "everybody"},
}


@cache
def rendered(repository: Path, env: str = "prod") -> list[dict]:
    """The objects of an environment, once for all the tests that read them."""
    return objects(render(repository, env))


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
def test_classes_and_traits_are_real(bake, chart: Path, tmp_path: Path, monkeypatch, rule: str) -> None:
    config = loaded(rendered(bake(**RULES[rule])), tmp_path / "hub", monkeypatch)
    assert unknown(config) == []
    authenticator = JupyterHub(config=config).authenticator_class(config=config)
    assert isinstance(authenticator, Authenticator)
    assert authenticator.any_allow_config or authenticator.idps, "nobody could sign in"
    assert not authenticator.allow_existing_users
    assert not config.JupyterHub.admin_access


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("allowed_organizations:", "allowed_organisations:", "GitHubOAuthenticator.allowed_organisations"),
        ("GitHubOAuthenticator:", "GithubOAuthenticator:", "GithubOAuthenticator"),
    ],
)
def test_a_misspelt_name_is_found(bake, chart: Path, tmp_path: Path, monkeypatch, old, new, found) -> None:
    """Past the chart's schema, which refuses it before."""
    items = copy.deepcopy(rendered(bake(**RULES["github"])))
    secret = next(item for item in items if item["kind"] == "Secret" and item["metadata"]["name"] == "hub")
    values = base64.b64decode(secret["data"]["values.yaml"]).decode()
    assert old in values
    secret["data"]["values.yaml"] = base64.b64encode(values.replace(old, new).encode()).decode()
    assert unknown(loaded(items, tmp_path / "hub", monkeypatch)) == [found]


@pytest.mark.parametrize("rule", [rule for rule in RULES if not rule.startswith("shared-password")])
def test_course_staff_have_a_role_and_are_no_admins(bake, chart: Path, tmp_path, monkeypatch, rule: str) -> None:
    config = loaded(rendered(bake(**RULES[rule])), tmp_path / "hub", monkeypatch)
    roles = {role["name"]: role for role in config.JupyterHub.load_roles}
    staff = roles["course-staff"]["users"]
    assert len(staff) == 1 and staff[0].startswith(("hopper", "fill-in--"))
    assert not {"access:servers", "admin:users", "admin:servers", "inherit"} & set(roles["course-staff"]["scopes"])
    authenticator = JupyterHub(config=config).authenticator_class(config=config)
    assert not authenticator.admin_users
    assert authenticator.validate_username(staff[0])
    names = authenticator.allowed_users
    assert set(staff) <= names or (not names and (authenticator.allow_all or authenticator.idps))


PROVIDERS = {
    "github": "https://github.com/login/oauth/authorize",
    "google": "https://accounts.google.com/o/oauth2/v2/auth",
    "cilogon-two": "https://cilogon.org/authorize",
    "microsoft-domains": "https://login.microsoftonline.com/fill-in--tenant-id/oauth2/authorize",
    "oidc": "https://fill-in--issuer.invalid/authorize",
}


@pytest.mark.parametrize("rule", PROVIDERS)
def test_the_sign_in_page_leads_to_the_provider(bake, chart: Path, tmp_path: Path, rule: str) -> None:
    items = rendered(bake(**RULES[rule], **DOMAIN), "staging")
    with hubs.running(items, tmp_path / "hub") as address:
        where, parameters = hubs.Browser(address).button()
    assert where == PROVIDERS[rule]
    assert parameters["redirect_uri"] == "https://staging.hub.example.edu/hub/oauth_callback"
    assert parameters["client_id"] == "fake-for-rendering--ask--client-id"
    assert parameters.get("selected_idp") == (f"{IDP},urn:mace:incommon:other.edu" if rule == "cilogon-two" else None)


@pytest.mark.parametrize("rule", ["github", "google", "cilogon", "microsoft", "oidc"])
def test_each_environment_has_its_own_callback(bake, rule: str) -> None:
    expected = [
        (DOMAIN, "staging", "https://staging.hub.example.edu/hub/oauth_callback"),
        (DOMAIN, "prod", "https://hub.example.edu/hub/oauth_callback"),
        ({}, "staging", "http://localhost:8000/hub/oauth_callback"),
        ({}, "prod", "http://localhost:8000/hub/oauth_callback"),
    ]
    for answers, env, callback in expected:
        repository = bake(**RULES[rule], **answers)
        values = yaml.safe_load((repository / "config" / f"{env}.yaml").read_text(encoding="utf-8"))
        assert values["jupyterhub"]["hub"]["config"]["OAuthenticator"]["oauth_callback_url"] == callback
        assert callback in (repository / "docs" / "sign-in.md").read_text(encoding="utf-8")


def test_lti_leads_back_to_the_platform(bake, chart: Path, tmp_path: Path) -> None:
    items = rendered(bake(**RULES["lti13"], **DOMAIN), "prod")
    initiation = {"iss": "https://lms.example.edu", "login_hint": "7", "target_link_uri": "https://hub.example.edu"}
    with hubs.running(items, tmp_path / "hub") as address:
        browser = hubs.Browser(address)
        assert "Please open this hub from your course" in browser.sign_in_page()
        sent = "&".join(f"{key}={value}" for key, value in {**initiation, "client_id": "17"}.items())
        browser.headers["Host"] = "hub.example.edu"
        where, parameters = browser.lead(f"/hub/lti13/oauth_login?{sent}")
        tool = browser.get("/hub/lti13/config").json()
        assert browser.get("/hub/lti13/oauth_login").status_code == 400
    assert where == "https://fill-in--lms.invalid/authorize"
    assert parameters["redirect_uri"] == "https://hub.example.edu/hub/lti13/oauth_callback"
    assert (parameters["client_id"], parameters["login_hint"]) == ("17", "7")
    assert tool["oidc_initiation_url"] == "https://hub.example.edu/hub/lti13/oauth_login"
    assert tool["extensions"][0]["settings"]["placements"][0]["windowTarget"] == "_blank"


def passwords(repository: Path) -> tuple[str, str]:
    """The students' password and the course staff's, as rendered."""
    fakes = yaml.safe_load((repository / "chart" / "ci" / "fake-secrets.yaml").read_text(encoding="utf-8"))
    given = fakes["jupyterhub"]["hub"]["config"]["SharedPasswordAuthenticator"]
    return given["user_password"], given["admin_password"]


IN, OUT = 302, 403


def test_the_shared_password_lets_the_right_people_in(bake, chart: Path, tmp_path: Path) -> None:
    repository = bake(admin_users="hopper")
    students, staff = passwords(repository)
    with hubs.running(rendered(repository), tmp_path / "hub") as address:
        assert hubs.Browser(address).sign_in("ada", "wrong password") == OUT
        assert hubs.Browser(address).sign_in("ada", staff) == OUT
        ada, hopper = hubs.Browser(address), hubs.Browser(address)
        assert ada.sign_in("ada", students) == IN
        assert not ada.api("GET", "/user").json()["admin"]
        assert ada.api("GET", "/users").status_code == OUT
        for name in "hopper", "Hopper", "HOPPER", " hopper", "hopper ":
            assert hubs.Browser(address).sign_in(name, students) == OUT, f"'{name}' with the students' password"
        assert hopper.sign_in("Hopper", staff) == IN
        assert hopper.api("GET", "/user").json()["name"] == "hopper"
        assert hopper.api("GET", "/user").json()["admin"]
        assert {user["name"] for user in hopper.api("GET", "/users").json()} >= {"ada", "hopper"}


def test_the_shared_password_can_be_for_named_people(edited, chart: Path, tmp_path: Path) -> None:
    repository = edited(sign_in_allow="ada, grace.h", admin_users="hopper")
    students, staff = passwords(repository)
    with hubs.running(rendered(repository), tmp_path / "hub") as address:
        for name, password, status in [
            ("ada", students, IN),
            ("grace.h", students, IN),
            ("mallory", students, OUT),
            ("ada", staff, OUT),
            ("hopper", students, OUT),
            ("hopper", staff, IN),
        ]:
            assert hubs.Browser(address).sign_in(name, password) == status, name


def test_who_leaves_the_course_staff_is_no_admin_any_more(bake, chart: Path, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'hub.sqlite'}"
    before, after = bake(admin_users="hopper, lovelace"), bake(admin_users="hopper")
    _, staff = passwords(after)
    with hubs.running(rendered(before), tmp_path / "before", database) as address:
        assert hubs.Browser(address).sign_in("lovelace", staff) == IN
    with hubs.running(rendered(after), tmp_path / "after", database) as address:
        hopper = hubs.Browser(address)
        assert hopper.sign_in("hopper", staff) == IN
        assert hopper.api("GET", "/users/lovelace").json()["roles"] == ["user"]
        assert hubs.Browser(address).sign_in("lovelace", staff) == OUT


def test_what_the_role_of_course_staff_can_do(edited, chart: Path, tmp_path: Path) -> None:
    """With a token of a person in the role, whose sign-in would need the provider."""
    repository = edited(**RULES["oidc"])
    token = "0123456789abcdef"  # noqa: S105
    config = repository / "config" / "prod.yaml"
    values = yaml.safe_load(config.read_text(encoding="utf-8"))
    values["jupyterhub"]["hub"]["config"]["JupyterHub"] = {"api_tokens": {token: "hopper"}}
    config.write_text(yaml.safe_dump(values), encoding="utf-8")
    with hubs.running(rendered(repository), tmp_path / "hub") as address:
        browser = hubs.Browser(address)
        ask = {"headers": {"Authorization": f"token {token}"}}
        assert "ada" in {user["name"] for user in browser.api("GET", "/users", **ask).json()}
        assert browser.api("DELETE", "/users/ada/server", **ask).status_code < 400
        assert browser.api("POST", "/users/mallory", **ask).status_code == OUT
        assert browser.api("DELETE", "/users/ada", **ask).status_code == OUT
        assert browser.api("POST", "/users/ada/tokens", **ask).status_code == OUT
        assert browser.api("POST", "/shutdown", **ask).status_code == OUT
        assert browser.api("GET", "/user", **ask).json()["admin"] is False


def test_secrets_of_the_chosen_way_only(bake) -> None:
    for rule, answers in RULES.items():
        fakes = yaml.safe_load((bake(**answers) / "chart" / "ci" / "fake-secrets.yaml").read_text(encoding="utf-8"))
        way = answers.get("sign_in", "shared-password")
        section = {"shared-password": "SharedPasswordAuthenticator", "lti13": "LTI13Authenticator"}
        found = {name for name in fakes["jupyterhub"]["hub"]["config"] if name.endswith("Authenticator")}
        assert found == {section.get(way, "OAuthenticator")}, rule
