"""Every way to sign in, in the real JupyterHub of the hub image: its classes, its traits, its page and its rule."""

import base64
import copy
import json
import math
import re
import sys
from functools import cache
from pathlib import Path
from urllib.parse import quote, urlencode

import hubs
import provider
import pytest
import requests
import yaml
from jupyterhub.app import JupyterHub
from jupyterhub.auth import Authenticator
from kubespawner import KubeSpawner
from kubespawner.slugs import safe_slug
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from repositories import objects, render, run_python

DOMAIN = {"hub_domain": "hub.example.edu", "tls": "offload"}
IDP = "https://idp.example.edu/idp/shibboleth"
OTHER_IDP = "urn:mace:incommon:other.edu"
GROUP = "12345678-9abc-def0-1234-56789abcdef0"
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
    "cilogon-two": {"sign_in": "cilogon", "sign_in_allow": f"{IDP}, {OTHER_IDP}"},
    "microsoft": {"sign_in": "microsoft", "sign_in_allow": "everybody"},
    "microsoft-domains": {"sign_in": "microsoft", "sign_in_allow": "a.edu, b.edu", "admin_users": "hopper@c.edu"},
    "microsoft-groups": {
        "sign_in": "microsoft",
        "sign_in_allow": f"{GROUP}, ada@a.edu",
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
    """Past the chart's schema, which refuses it before."""
    items = copy.deepcopy(rendered(bake(**RULES["github"])))
    secret = next(item for item in items if item["kind"] == "Secret" and item["metadata"]["name"] == "hub")
    values = base64.b64decode(secret["data"]["values.yaml"]).decode()
    assert old in values
    secret["data"]["values.yaml"] = base64.b64encode(values.replace(old, new).encode()).decode()
    assert unknown(loaded(items, tmp_path / "hub", monkeypatch)) == [found]


IN, OUT = 302, 403
# Where the button leads, and people as the provider describes them, with the names that they get or None.
PROVIDERS = {
    "github": (
        "https://github.com/login/oauth/authorize",
        [
            ({"login": "Octo-Cat"}, "octo-cat"),
            ({"login": "ada", "member_at": ["/orgs/my-org/members/ada"]}, "ada"),
            ({"login": "grace", "member_at": ["/orgs/other-org/teams/team-1/members/grace"]}, "grace"),
            ({"login": "eve", "member_at": ["/orgs/other-org/members/eve"]}, None),
        ],
    ),
    "google": (
        "https://accounts.google.com/o/oauth2/v2/auth",
        [
            ({"email": "ada@example.edu", "hd": "example.edu", "verified_email": True}, "ada@example.edu"),
            ({"email": "eve@example.edu", "verified_email": True}, None),
            ({"email": "eve@other.edu", "hd": "other.edu", "verified_email": True}, None),
        ],
    ),
    "google-names": (
        "https://accounts.google.com/o/oauth2/v2/auth",
        [
            ({"email": "ada@gmail.com", "verified_email": True}, "ada@gmail.com"),
            ({"email": "hopper@a.edu", "hd": "a.edu", "verified_email": True}, "hopper@a.edu"),
            ({"email": "eve@gmail.com", "verified_email": True}, None),
            ({"email": "hopper@a.edu", "verified_email": False}, None),
        ],
    ),
    "cilogon-two": (
        "https://cilogon.org/authorize",
        [
            ({"idp": IDP, "eppn": "ada@example.edu"}, "ada@example.edu"),
            ({"idp": OTHER_IDP, "eppn": "ada@other.edu", "email": "ada@example.edu"}, "ada@other.edu"),
            ({"idp": "http://google.com/accounts/o8/id", "eppn": "eve@example.edu"}, None),
        ],
    ),
    "microsoft-domains": (
        "https://login.microsoftonline.com/fill-in--tenant-id/oauth2/authorize",
        [
            ({"upn": "Ada@a.edu", "name": "Grace"}, "ada@a.edu"),
            ({"upn": "hopper@c.edu"}, "hopper@c.edu"),
            ({"upn": "eve@c.edu"}, None),
            ({"upn": "eve@a.edu.example.org"}, None),
        ],
    ),
    "microsoft-groups": (
        "https://login.microsoftonline.com/fill-in--tenant-id/oauth2/authorize",
        [
            ({"upn": "grace@a.edu", "groups": [GROUP]}, "grace@a.edu"),
            ({"upn": "ada@a.edu"}, "ada@a.edu"),
            ({"upn": "eve@a.edu", "groups": [GROUP[::-1]]}, None),
        ],
    ),
    "oidc": (
        "https://fill-in--issuer.invalid/authorize",
        [
            ({"preferred_username": "ada"}, "ada"),
            ({"preferred_username": "grace.h"}, "grace.h"),
            ({"preferred_username": "lin", "groups": ["course"]}, "lin"),
            ({"preferred_username": "eve", "groups": ["other"]}, None),
        ],
    ),
    "oidc-domain": (
        "https://fill-in--issuer.invalid/authorize",
        [
            ({"preferred_username": "x", "email": "ada@b.edu"}, "ada@b.edu"),
            ({"preferred_username": "x", "email": "hopper@c.edu"}, "hopper@c.edu"),
            ({"preferred_username": "x", "email": "eve@c.edu"}, None),
        ],
    ),
}


def changed(repository: Path, sections: dict[str, dict[str, str]]) -> Path:
    """The repository with other values in its hub.config."""
    path = repository / "config" / "hub.yaml"
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    for name, traits in sections.items():
        values["jupyterhub"]["hub"]["config"].setdefault(name, {}).update(traits)
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return repository


def endpoints_of(rule: str, address: str) -> dict[str, dict[str, str]]:
    """The hub.config with which a provider on this machine takes the place of the real one, if the rule has one."""
    if rule.startswith("shared-password"):
        return {}
    if rule.startswith("lti13"):
        lms = {"issuer": address, "authorize_url": f"{address}/authorize", "jwks_endpoint": f"{address}/jwks"}
        return {"LTI13Authenticator": lms}
    endpoints = {"token_url": f"{address}/token", "userdata_url": f"{address}/user"}
    sections = {"GenericOAuthenticator" if "oidc" in rule else "OAuthenticator": endpoints}
    if rule.startswith("github"):
        sections["GitHubOAuthenticator"] = {"github_api": address}
    return sections


def return_from_provider(browser: hubs.Browser, parameters: dict[str, str], claims: dict) -> requests.Response:
    """Come back from an OAuth provider that says this of a person."""
    code = json.dumps({"email": None, "member_at": [], **claims}).encode().hex()
    return browser.get(f"/hub/oauth_callback?code={code}&state={quote(parameters['state'])}")


def launch_from_lms(
    browser: hubs.Browser, lms: provider.Provider, claims: dict, sender: provider.Provider | None = None
) -> requests.Response:
    """Open the hub from an LMS that says this of a person, signed by it or by another sender."""
    initiation = {"iss": lms.address, "login_hint": "7", "target_link_uri": "https://hub.example.edu"}
    initiation["client_id"] = "fake-for-rendering--ask--client-id"
    _, parameters = browser.lead(f"/hub/lti13/oauth_login?{urlencode(initiation)}")
    form = {"id_token": (sender or lms).launch(parameters, claims), "state": parameters["state"]}
    return browser.post("/hub/lti13/oauth_callback", data=form)


@pytest.mark.parametrize("rule", PROVIDERS)
def test_the_page_leads_to_the_provider_which_lets_the_right_people_in(
    edited, chart: Path, tmp_path: Path, rule: str
) -> None:
    where, people = PROVIDERS[rule]
    with provider.listening() as other:
        items = rendered(changed(edited(**RULES[rule], **DOMAIN), endpoints_of(rule, other.address)), "staging")
        with hubs.running(items, tmp_path / "hub") as address:
            for claims, name in people:
                browser = hubs.Browser(address)
                led, parameters = browser.button()
                assert led == where
                assert parameters["redirect_uri"] == "https://staging.hub.example.edu/hub/oauth_callback"
                assert parameters["client_id"] == "fake-for-rendering--ask--client-id"
                assert ("selected_idp" in parameters) == (rule == "cilogon-two")
                back = return_from_provider(browser, parameters, claims)
                assert back.status_code == (IN if name else OUT), f"{claims}: {back.text}"
                if name:
                    model = browser.api("GET", "/user").json()
                    assert (model["name"], model["admin"]) == (name, False)


def test_only_whom_the_lms_sends_is_let_in(edited, chart: Path, tmp_path: Path) -> None:
    with provider.listening() as lms, provider.listening() as stranger:
        repository = changed(edited(**RULES["lti13-names"], **DOMAIN), endpoints_of("lti13", lms.address))
        with hubs.running(rendered(repository), tmp_path / "hub") as address:
            for sender, claims, status in [
                (lms, {"sub": "7", "email": "Ada@a.edu"}, IN),
                (lms, {"sub": "8", "email": "hopper@a.edu"}, IN),
                (lms, {"sub": "9", "email": "eve@a.edu"}, OUT),
                (lms, {"sub": "9"}, OUT),
                (lms, {"sub": "7", "email": "ada@a.edu", "aud": "another tool"}, 401),
                (stranger, {"sub": "7", "email": "ada@a.edu", "iss": lms.address}, 400),
            ]:
                answer = launch_from_lms(hubs.Browser(address), lms, claims, sender)
                assert answer.status_code == status, claims


# The widest rule of each way to sign in, with what its provider says of a person with a name.
WIDEST = {
    "shared-password": None,
    "github-everybody": lambda name: {"login": name},
    # Google's names are addresses, unless an owner strips the domain.
    "google": lambda name: {"email": f"{name}@example.edu", "hd": "example.edu", "verified_email": True},
    "cilogon": lambda name: {"idp": IDP, "eppn": name},
    "microsoft": lambda name: {"upn": name},
    "lti13": lambda name: {"sub": name},
    "oidc-everybody": lambda name: {"preferred_username": name},
}
ROBOT = "robot-student-user"


@pytest.mark.parametrize("rule", WIDEST)
def test_nobody_gets_the_name_of_the_robot_student(edited, chart: Path, tmp_path: Path, rule: str) -> None:
    """As it is, in other letters, with spaces, and where the owner maps a name onto it."""
    claims = WIDEST[rule]
    with provider.listening() as other:
        sections = endpoints_of(rule, other.address) | {"Authenticator": {"username_map": {"eve": ROBOT}}}
        if rule == "google":
            sections["GoogleOAuthenticator"] = {"strip_domain": True}
        repository = changed(edited(**RULES[rule], **DOMAIN), sections)
        robot = {"Authorization": f"token {read_fakes(repository)['services']['robot-student']['apiToken']}"}
        with hubs.running(rendered(repository), tmp_path / "hub") as address:

            def sign_in(name: str) -> hubs.Browser | None:
                """Sign in under a name. Returns the browser if it was let in."""
                browser = hubs.Browser(address)
                if rule == "shared-password":
                    status = browser.sign_in(name, passwords(repository)[0])
                elif rule == "lti13":
                    status = launch_from_lms(browser, other, claims(name)).status_code
                else:
                    status = return_from_provider(browser, browser.button()[1], claims(name)).status_code
                return browser if status == IN else None

            assert sign_in("ada"), "nobody can sign in"
            for name in ROBOT, "Robot-Student-User", ROBOT.upper(), f" {ROBOT}", f"{ROBOT} ", "eve", "Eve":
                assert not sign_in(name), f"'{name}' was let in"
            # Letters that look alike make another name, and so another home.
            for name in "robot\u2010student-user", "robot-\u017ftudent-user", "\uff32obot-student-user":
                if browser := sign_in(name):
                    known = browser.api("GET", "/user").json()["name"]
                    assert known != ROBOT and safe_slug(known) != safe_slug(ROBOT)
            assert hubs.Browser(address).api("GET", f"/users/{ROBOT}", headers=robot).status_code == 404


def test_the_id_of_the_lms_is_the_name_whatever_the_address(edited, chart: Path, tmp_path: Path) -> None:
    """A student who edits the address keeps the home, and does not get another person's, nor the staff's role."""
    with provider.listening() as lms:
        repository = edited(sign_in="lti13", admin_users="4711", **DOMAIN)
        repository = changed(repository, endpoints_of("lti13", lms.address))
        with hubs.running(rendered(repository), tmp_path / "hub") as address:
            for claims, name, staff in [
                ({"sub": "4711", "email": "hopper@a.edu"}, "4711", True),
                ({"sub": "17", "email": "ada@a.edu"}, "17", False),
                ({"sub": "17", "email": "hopper@a.edu"}, "17", False),
                ({"sub": "18", "email": "ada@a.edu"}, "18", False),
                ({"sub": "19", "email": "4711"}, "19", False),
            ]:
                browser = hubs.Browser(address)
                assert launch_from_lms(browser, lms, claims).status_code == IN, claims
                assert browser.api("GET", "/user").json()["name"] == name
                assert (browser.api("GET", "/users").status_code == 200) == staff, claims


@pytest.mark.parametrize(
    ("answers", "key", "staff"),
    [
        ({}, "sub", "fill-in--instructor"),
        ({"admin_users": "grace.h"}, "sub", "fill-in--lms-id-of-grace-h"),
        ({"admin_users": "4711"}, "sub", "4711"),
        ({"admin_users": "hopper@a.edu"}, "email", "hopper@a.edu"),
        ({"admin_users": "hopper", "sign_in_allow": "ada@a.edu"}, "email", "hopper@a.edu"),
    ],
)
def test_an_address_in_the_answers_decides_what_lti_names_are(bake, answers: dict, key: str, staff: str) -> None:
    repository = bake(sign_in="lti13", **answers)
    hub = yaml.safe_load((repository / "config" / "hub.yaml").read_text(encoding="utf-8"))["jupyterhub"]["hub"]
    assert hub["config"]["LTI13Authenticator"]["username_key"] == key
    assert hub["loadRoles"]["course-staff"]["users"] == [staff]


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


def read_fakes(repository: Path) -> dict:
    """The values under jupyterhub.hub that stand in for secrets."""
    fakes = yaml.safe_load((repository / "chart" / "ci" / "fake-secrets.yaml").read_text(encoding="utf-8"))
    return fakes["jupyterhub"]["hub"]


def passwords(repository: Path) -> tuple[str, str]:
    """The students' password and the course staff's, as rendered."""
    given = read_fakes(repository)["config"]["SharedPasswordAuthenticator"]
    return given["user_password"], given["admin_password"]


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
    token = "0123456789abcdef"  # noqa: S105
    repository = changed(edited(**RULES["oidc"]), {"JupyterHub": {"api_tokens": {token: "hopper"}}})
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
