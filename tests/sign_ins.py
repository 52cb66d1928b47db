"""Ways to sign in: the answers that choose them, and how a test signs in by each."""

import json
from functools import cache
from pathlib import Path
from urllib.parse import quote, urlencode

import hubs
import provider
import requests
import yaml

from repositories import objects, render

DOMAIN = {"hub_domain": "hub.example.edu", "tls": "offload"}
IDP = "https://idp.example.edu/idp/shibboleth"
OTHER_IDP = "urn:mace:incommon:other.edu"
GROUP = "12345678-9abc-def0-1234-56789abcdef0"

# The status of an answer: signed in, or not.
IN, OUT = 302, 403
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


def read_fakes(repository: Path) -> dict:
    """The values under jupyterhub.hub that stand in for secrets."""
    fakes = yaml.safe_load((repository / "chart" / "ci" / "fake-secrets.yaml").read_text(encoding="utf-8"))
    return fakes["jupyterhub"]["hub"]


def passwords(repository: Path) -> tuple[str, str]:
    """The students' password and the course staff's, as rendered."""
    given = read_fakes(repository)["config"]["SharedPasswordAuthenticator"]
    return given["user_password"], given["admin_password"]
