"""The robot student against a real JupyterHub on this machine: each of its checks that needs no cluster.

The checks of memory, metadata, kubernetes and network need a cluster: tests/e2e has them.
"""

import asyncio
import re

import pytest
from robot_hubs import GOOD, LTI, PROVIDER, ROBOT, SHARED, TOKEN, broken_path


def test_a_good_hub_passes(visit) -> None:
    status, failed, said = visit(GOOD, imports=["json", "tornado.web"], files=["course"])
    assert (status, failed) == (0, []), said
    passed = re.findall(r"^ok +[\d.]+ s  ([\w-]+):", said, re.M)
    assert passed == ["sign-in", "hub", "spawn", "cell", "imports", "content", "restart", "clean-up"], said


# What the chart hands the robot of each configuration above: nothing of it is secret.
PROVIDER_TRAITS = {
    "client_id": "hub",
    "authorize_url": "https://login.example.edu/authorize",
    "oauth_callback_url": "https://hub.example.edu/hub/oauth_callback",
}
LTI_TRAITS = {
    "client_id": ["hub"],
    "issuer": "https://campus.example.edu",
    "authorize_url": "https://campus.example.edu/mod/lti/auth.php",
}


def provider(**traits: str) -> dict:
    """The expectation of a provider, with some traits other than the hub has them."""
    return {"signIn": {"name": "generic-oauth", "config": {"GenericOAuthenticator": PROVIDER_TRAITS | traits}}}


def lti(**traits: str) -> dict:
    """The same for an LMS."""
    name = "ltiauthenticator.lti13.auth.LTI13Authenticator"
    return {"signIn": {"name": name, "config": {"LTI13Authenticator": LTI_TRAITS | traits}}}


# A hub, what is expected of its sign-in, and what the check says.
SIGN_IN = {
    "password": (SHARED, {"signIn": {"name": "shared-password", "config": {}}}, "rejects a wrong one"),
    "provider": (PROVIDER, provider(), "it leads to https://login.example.edu/authorize"),
    "LMS": (LTI, lti(), "it leads to https://campus.example.edu/mod/lti/auth.php"),
    "any password": (
        'c.JupyterHub.authenticator_class = "dummy"\nc.Authenticator.allow_all = True',
        {"signIn": {"name": "dummy", "config": {}}},
        "accepts a wrong password",
    ),
    "another callback": (
        PROVIDER,
        provider(oauth_callback_url="https://new.example.edu/hub/oauth_callback"),
        "oauth_callback_url is https://new.example.edu/hub/oauth_callback, but https://login.example.edu/authorize "
        "would send people to https://hub.example.edu/hub/oauth_callback",
    ),
    "another client": (
        PROVIDER,
        provider(client_id="new"),
        "client_id is new, but https://login.example.edu/authorize is asked for 'hub'",
    ),
    "another LMS": (
        LTI,
        lti(authorize_url="https://lms.example.edu/authorize"),
        "LTI13Authenticator.authorize_url is https://lms.example.edu/authorize, but /hub/lti13/oauth_login leads to "
        "https://campus.example.edu/mod/lti/auth.php",
    ),
    "no password": (PROVIDER, {"signIn": {"name": "shared-password", "config": {}}}, "does not ask for a password"),
    "no provider": (SHARED, provider(), "does not link to /hub/oauth_login"),
    "no authenticator": (SHARED, {"signIn": {"name": "gitbuh", "config": {}}}, "the hub's image cannot load 'gitbuh'"),
}


@pytest.mark.parametrize("case", SIGN_IN)
def test_sign_in(hub, robot, case: str) -> None:
    config, expect, sentence = SIGN_IN[case]
    visitor = robot.Robot(expect | {"url": hub(config), "user": ROBOT}, TOKEN)
    try:
        assert sentence in asyncio.run(visitor.check_sign_in())
    except robot.CheckError as error:
        assert sentence in str(error)


# What is broken: the hub, or what is expected of it, the check that must fail alone, and what it says.
BROKEN = {
    "another provider": (
        PROVIDER,
        provider(authorize_url="https://idp.example.edu/authorize"),
        "sign-in",
        "GenericOAuthenticator.authorize_url is https://idp.example.edu/authorize, but /hub/oauth_login leads to "
        "https://login.example.edu/authorize",
    ),
    "no server": (SHARED + 'c.Spawner.cmd = ["false"]', {}, "spawn", "the server does not start"),
    "no kernel": (SHARED + broken_path("ipykernel-broken"), {}, "cell", "kernel"),
    "a package that breaks": (
        GOOD,
        {"imports": ["json", "course_package"]},
        "imports",
        "course_package (ImportError: libcourse.so.1 is not there)",
    ),
    "no course files": (GOOD, {"files": ["course", "exam"]}, "content", "not in the home, or empty: exam"),
    "a home that is lost": (
        SHARED + "import shutil\n"
        "c.Spawner.pre_spawn_hook = lambda spawner: shutil.rmtree(spawner.home_dir, ignore_errors=True)",
        {},
        "restart",
        "is gone after a restart",
    ),
    "a user who stays": (
        SHARED + "from jupyterhub.auth import Authenticator\n"
        "def reject(self, user): raise ValueError('kept')\n"
        "Authenticator.delete_user = reject",
        {},
        "clean-up",
        "DELETE /hub/api/users/robot-student-user was answered with 500",
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_what_is_broken_fails_alone(visit, broken: str) -> None:
    config, expect, check, sentence = BROKEN[broken]
    status, failed, said = visit(config, **expect)
    assert (status, failed) == (1, [check]), said
    assert sentence in said


def test_a_kernel_that_misses_the_first_messages(hub, robot) -> None:
    """A server that is busy forgets what it gets before its own connection to the kernel is there."""

    class Client(robot.HubClient):
        lost = 0

        async def send(self, kind: str, content: dict) -> str:
            if self.lost:
                return await super().send(kind, content)
            self.lost += 1
            return "lost"

    async def run() -> int:
        client = Client({"url": hub(GOOD), "user": ROBOT}, TOKEN)
        try:
            await client.start_server()
            await client.open_kernel()
            return await client.run_python("print(6 * 7)")
        finally:
            await client.delete_user()

    assert asyncio.run(run()) == 42
