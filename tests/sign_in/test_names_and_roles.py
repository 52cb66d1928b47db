"""The robot student's name, the shared password, and the roles of the course staff, in the real JupyterHub."""

from pathlib import Path

import hubs
import provider
import pytest
from kubespawner.slugs import safe_slug
from robot_hubs import ROBOT
from sign_ins import (
    DOMAIN,
    IDP,
    IN,
    OUT,
    RULES,
    changed,
    endpoints_of,
    launch_from_lms,
    passwords,
    read_fakes,
    rendered,
    return_from_provider,
)

from repositories import set_value

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


@pytest.mark.parametrize("rule", WIDEST)
def test_nobody_gets_the_name_of_the_robot_student(edited, chart: Path, tmp_path: Path, rule: str) -> None:
    """As it is, in other letters, with spaces, and where the owner maps a name onto it."""
    claims = WIDEST[rule]
    with provider.listening() as other:
        sections = endpoints_of(rule, other.address) | {"Authenticator": {"username_map": {"eve": ROBOT}}}
        if rule == "google":
            sections["GoogleOAuthenticator"] = {"strip_domain": True}
        repository = changed(edited(**RULES[rule], **DOMAIN), sections)
        if rule == "google":
            set_value(repository / "config" / "hub.yaml", "jupyterhub.hub.loadRoles.course-staff.users", ["hopper"])
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

            ada = sign_in("ada")
            assert ada, "nobody can sign in"
            # JupyterHub leaves the flag out of _xsrf, whose value opens nothing.
            assert {cookie.name for cookie in ada.cookies} - ada.secure == {"_xsrf"}
            for name in ROBOT, "Robot-Student-User", ROBOT.upper(), f" {ROBOT}", f"{ROBOT} ", "eve", "Eve":
                assert not sign_in(name), f"'{name}' was let in"
            # Letters that look alike make another name, and so another home.
            for name in "robot\u2010student-user", "robot-\u017ftudent-user", "\uff32obot-student-user":
                if browser := sign_in(name):
                    known = browser.api("GET", "/user").json()["name"]
                    assert known != ROBOT and safe_slug(known) != safe_slug(ROBOT)
            assert hubs.Browser(address).api("GET", f"/users/{ROBOT}", headers=robot).status_code == 404


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
