"""Sign-in by OAuth providers and by an LMS, in the real JupyterHub: its page and its rule."""

from pathlib import Path

import hubs
import provider
import pytest
import yaml
from sign_ins import (
    DOMAIN,
    GROUP,
    IDP,
    IN,
    OTHER_IDP,
    OUT,
    RULES,
    changed,
    endpoints_of,
    launch_from_lms,
    rendered,
    return_from_provider,
)

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
