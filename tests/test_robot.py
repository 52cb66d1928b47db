"""The robot student against a real JupyterHub on this machine: each check that needs no cluster, and attacks on it.

The checks of memory, metadata, kubernetes and network need a cluster: tests/e2e has them.
"""

import asyncio
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import hubs
import pytest
import requests
import yaml

from repositories import npm_package, objects, render

NEEDS_A_CLUSTER = ["memory", "metadata", "kubernetes", "network"]
# The version of the proxy image that the jupyterhub chart 4.4.0 names.
PROXY = "configurable-http-proxy@5.2.0"

TOKEN = "token-of-this-test"  # noqa: S105
ROBOT = "robot-student-user"
AS_ROBOT = {"Authorization": f"token {TOKEN}"}


def broken_path(folder: str) -> str:
    """Configuration that puts a folder with a broken module first where servers look for modules."""
    return f'\nc.Spawner.environment["PYTHONPATH"] = "{{folder}}/{folder}"\n'


SHARED = """
c.JupyterHub.authenticator_class = "shared-password"
c.Authenticator.allow_all = True
c.SharedPasswordAuthenticator.user_password = "a password of this test"
"""
PROVIDER = """
c.JupyterHub.authenticator_class = "generic-oauth"
c.Authenticator.allow_all = True
c.GenericOAuthenticator.client_id = "hub"
c.GenericOAuthenticator.client_secret = "a secret of this test"
c.GenericOAuthenticator.authorize_url = "https://login.example.edu/authorize"
c.GenericOAuthenticator.oauth_callback_url = "https://hub.example.edu/hub/oauth_callback"
"""
LTI = """
c.JupyterHub.authenticator_class = "ltiauthenticator.lti13.auth.LTI13Authenticator"
c.Authenticator.allow_all = True
c.LTI13Authenticator.issuer = "https://campus.example.edu"
c.LTI13Authenticator.authorize_url = "https://campus.example.edu/mod/lti/auth.php"
c.LTI13Authenticator.client_id = {"hub"}
"""
GOOD = (
    SHARED
    + """
from pathlib import Path
def course(spawner):
    folder = Path(spawner.home_dir) / "course"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lesson.ipynb").write_text("{}")
c.Spawner.pre_spawn_hook = course
"""
    + broken_path("package-broken")
)


@pytest.fixture(scope="session")
def proxy() -> Path:
    """The folder of the real proxy's command, from the npm registry."""
    return npm_package(PROXY) / ".bin"


@pytest.fixture(scope="module")
def repository(bake: Callable[..., Path]) -> Path:
    """A repository with the default answers."""
    return bake()


@pytest.fixture(scope="module")
def robot(repository: Path) -> ModuleType:
    """The robot's code."""
    sys.path.append(str(repository / "chart" / "files"))
    spec = importlib.util.spec_from_file_location("robot", repository / "chart" / "files" / "robot_student.py")
    code = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(code)
    sys.path.pop()
    return code


@pytest.fixture(scope="module")
def expectations(repository: Path) -> dict:
    """What the chart tells the robot to expect."""
    return expected_of(repository, "staging")[0]


@pytest.fixture(scope="module")
def hub(repository: Path, proxy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """`hub(config)`: the address of a hub with this configuration and all that the chart configures for the robot."""
    running: list[subprocess.Popen] = []
    chart = yaml.safe_load((repository / "chart" / "values.yaml").read_text("utf-8"))["jupyterhub"]["hub"]
    role = {"name": "robot-student"} | chart["loadRoles"]["robot-student"]
    service = {"name": "robot-student", "api_token": TOKEN} | chart["services"]["robot-student"]
    blocked = chart["config"]["Authenticator"]["blocked_users"]

    @cache
    def started(config: str) -> str:
        folder = tmp_path_factory.mktemp("hub")
        for name, module in {"package-broken": "course_package", "ipykernel-broken": "ipykernel"}.items():
            (folder / name).mkdir()
            (folder / name / f"{module}.py").write_text('raise ImportError("libcourse.so.1 is not there")\n')
        port, api, inside = hubs.free_port(), hubs.free_port(), hubs.free_port()
        common = f"""
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_port = {inside}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api}"
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "{folder}/home/{{username}}"
c.Spawner.cmd = ["{sys.executable}", "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root"]
c.Spawner.environment = {{"JUPYTERHUB_SINGLEUSER_APP": "jupyter_server.serverapp.ServerApp"}}
c.JupyterHub.services = [{service!r}]
c.JupyterHub.load_roles = [{role!r}]
c.Authenticator.blocked_users = {blocked!r}
{chart["extraConfig"]["robot-student"]}
"""
        (folder / "jupyterhub_config.py").write_text(common + config.replace("{folder}", str(folder)), "utf-8")
        paths = {"PATH": f"{proxy}:{os.environ['PATH']}", "CONFIGPROXY_AUTH_TOKEN": "token-of-this-proxy"}
        with (folder / "hub.log").open("w") as log:
            command = [sys.executable, "-m", "jupyterhub", "--config", "jupyterhub_config.py"]
            options = {"cwd": folder, "env": os.environ | paths, "stdout": log, "stderr": log}
            running.append(subprocess.Popen(command, start_new_session=True, **options))
        end = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/hub/health", timeout=5)
                return f"http://127.0.0.1:{port}"
            except OSError:
                assert time.monotonic() < end and running[-1].poll() is None, (folder / "hub.log").read_text()
                time.sleep(0.2)

    yield started
    for process in running:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
    for process in running:
        process.wait(30)


@pytest.fixture
def visit(hub: Callable[[str], str], repository: Path, expectations: dict) -> Callable:
    """`visit(config, **expect)`: send the robot. Returns its exit status, the checks that failed, and what it said."""

    def visited(config: str, **expect: object) -> tuple[int, list[str], str]:
        expected = expectations | {"url": hub(config), "imports": [], "contentTimeout": 3} | expect
        done = subprocess.run(
            [sys.executable, repository / "chart" / "files" / "robot_student.py", *NEEDS_A_CLUSTER],
            env=os.environ | {"EXPECT": json.dumps(expected), "JUPYTERHUB_API_TOKEN": TOKEN},
            capture_output=True,
            text=True,
        )
        return (
            done.returncode,
            re.findall(r"^FAILED +[\d.]+ s  ([\w-]+):", done.stdout, re.M),
            done.stdout + done.stderr,
        )

    return visited


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


def expected_of(repository: Path, env: str) -> tuple[dict, list[dict]]:
    """What the chart tells the robot to expect in an environment, and all objects."""
    rendered = objects(render(repository, env))
    pod = next(item for item in rendered if item["kind"] == "Pod")
    return json.loads(next(e["value"] for e in pod["spec"]["containers"][0]["env"] if e["name"] == "EXPECT")), rendered


@pytest.mark.parametrize("tls", ["none", "autohttps", "ingress", "gateway", "offload"])
def test_the_way_in_leads_to_the_proxys_plain_port(bake, chart: Path, tls: str) -> None:
    domain = {} if tls == "none" else {"hub_domain": "hub.example.edu"}
    expect, rendered = expected_of(bake(tls=tls, **domain), "prod")
    url = urlsplit(expect["url"])
    service = next(i for i in rendered if i["kind"] == "Service" and i["metadata"]["name"] == url.hostname)
    port = next(item for item in service["spec"]["ports"] if item["port"] == (url.port or 80))
    proxy = next(i for i in rendered if i["kind"] == "Deployment" and i["metadata"]["name"] == "proxy")
    labels = proxy["spec"]["template"]["metadata"]["labels"]
    assert url.scheme == "http" and port["targetPort"] == "http"
    assert service["spec"]["selector"].items() <= labels.items()
    assert {"name": "http", "containerPort": 8000} in proxy["spec"]["template"]["spec"]["containers"][0]["ports"]


ALLOW = {"shared-password": "", "lti13": "", "cilogon": "https://idp.example.edu/idp/shibboleth"}


@pytest.mark.parametrize("sign_in", ["shared-password", "github", "google", "cilogon", "microsoft", "lti13", "oidc"])
def test_the_robot_knows_every_sign_in(bake, robot, sign_in: str) -> None:
    allow = ALLOW.get(sign_in, "example-org" if sign_in == "github" else "example.edu")
    expect, rendered = expected_of(bake(sign_in=sign_in, sign_in_allow=allow), "staging")
    found = robot.load_authenticator(**expect["signIn"])
    assert hasattr(found, "authorize_url") == (sign_in != "shared-password")
    if sign_in != "shared-password":
        assert found.authorize_url.startswith("https://")
    if sign_in not in ("shared-password", "lti13"):
        assert found.oauth_callback_url == "http://localhost:8000/hub/oauth_callback"
    pod = next(item for item in rendered if item["kind"] == "Pod")
    # The id is in the address of the provider's page, which everybody sees; nothing else of the secrets is here.
    assert set(re.findall(r"fake-for-rendering--[a-z0-9-]+", json.dumps(pod))) <= {"fake-for-rendering--ask--client-id"}


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
        "def refuse(self, user): raise ValueError('kept')\n"
        "Authenticator.delete_user = refuse",
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


def test_a_student_cannot_take_the_name_and_block_the_robot(hub, visit) -> None:
    """The attack: sign in under the name, start its server, and keep it busy while a deploy sends the robot."""
    address = hub(GOOD)
    for name in ROBOT, ROBOT.upper(), f" {ROBOT} ":
        student = hubs.Browser(address)
        assert student.sign_in(name, "a password of this test") == 403, name
        assert student.api("POST", f"/users/{ROBOT}/server", json={}).status_code == 403
    assert hubs.Browser(address).sign_in("ada", "a password of this test") == 302
    assert requests.get(f"{address}/hub/api/users/{ROBOT}", headers=AS_ROBOT, timeout=10).status_code == 404
    status, failed, said = visit(GOOD)
    assert (status, failed) == (0, []), said


# A file of the home that Jupyter Server runs at its start. It keeps each token that a request brings, and tries it.
PLANTED = """
import json, os, threading, urllib.request
from tornado.web import RequestHandler

def tried(token, method, path, body=None):
    headers = {{"Authorization": token, "Content-Type": "application/json"}}
    request = urllib.request.Request("{address}/hub/api" + path, body, headers, method=method)
    try:
        return urllib.request.urlopen(request, timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code

def attack(token):
    statuses = [tried(token, *call) for call in {calls!r}]
    with open({log!r}, "a") as log:
        log.write(json.dumps([token, statuses]) + "\\n")

seen = set()
execute = RequestHandler._execute
def keep(self, *arguments, **options):
    token = self.request.headers.get("Authorization")
    if token and token not in seen:
        seen.add(token)
        threading.Thread(target=attack, args=[token]).start()
    return execute(self, *arguments, **options)
RequestHandler._execute = keep
"""
CALLS = [
    ("GET", "/users"),
    ("POST", "/users/mallory"),
    ("PATCH", f"/users/{ROBOT}", b'{"name": "hopper"}'),
    ("DELETE", f"/users/{ROBOT}"),
    ("POST", f"/users/{ROBOT}/tokens", b"{}"),
    ("POST", f"/users/{ROBOT}/server", b"{}"),
    ("DELETE", f"/users/{ROBOT}/server"),
]


def test_a_file_planted_in_the_home_gets_no_token_of_worth(hub, visit, tmp_path: Path) -> None:
    """The attack: a home on a share, with a file from the time when the name was free, or from the course's files."""
    config = GOOD + (
        "def plant(spawner):\n"
        "    course(spawner)\n"
        "    folder = Path(spawner.home_dir) / '.jupyter'\n"
        "    folder.mkdir(exist_ok=True)\n"
        f"    (folder / 'jupyter_server_config.py').write_text(Path({str(tmp_path / 'planted')!r}).read_text())\n"
        "c.Spawner.pre_spawn_hook = plant\n"
    )
    address, log = hub(config), tmp_path / "log"
    (tmp_path / "planted").write_text(PLANTED.format(address=address, calls=CALLS, log=str(log)))
    status, failed, said = visit(config)
    assert (status, failed) == (0, []), said
    stolen = dict(json.loads(line) for line in log.read_text().splitlines())
    assert stolen, "the planted file did not run"
    for token, statuses in stolen.items():
        assert token != AS_ROBOT["Authorization"], "the token of the service was sent to the server"
        assert set(statuses) <= {403, 404}, statuses
        # The run is over, and the token with it.
        user = requests.get(f"{address}/hub/api/user", headers={"Authorization": token}, timeout=10)
        assert user.status_code == 403


def test_the_role_opens_its_own_user_alone(hub) -> None:
    address = hub(GOOD)
    assert hubs.Browser(address).sign_in("ada", "a password of this test") == 302

    def ask(method: str, path: str, body: dict | None = None) -> int:
        return requests.request(method, f"{address}/hub/api{path}", headers=AS_ROBOT, json=body, timeout=30).status_code

    assert ask("POST", f"/users/{ROBOT}") == 201
    try:
        assert ask("PATCH", f"/users/{ROBOT}", {"name": "hopper"}) == 403
        assert ask("PATCH", f"/users/{ROBOT}", {"admin": True}) == 403
        for method, path, body in [
            ("POST", "/users/mallory", None),
            ("DELETE", "/users/ada", None),
            ("PATCH", "/users/ada", {"name": "eve"}),
            ("PATCH", "/users/ada", {"name": ROBOT}),
            ("POST", "/users/ada/server", {}),
            ("POST", "/users/ada/tokens", {}),
            ("GET", "/groups", None),
            ("GET", "/proxy", None),
            ("POST", "/shutdown", {}),
        ]:
            assert ask(method, path, body) in (403, 404), path
        assert requests.get(f"{address}/user/{ROBOT}/api", headers=AS_ROBOT, timeout=10).status_code != 200
        listed = requests.get(f"{address}/hub/api/users", headers=AS_ROBOT, timeout=10).json()
        assert [user["name"] for user in listed] == [ROBOT]
    finally:
        assert ask("DELETE", f"/users/{ROBOT}") == 204
