"""The robot student against a real JupyterHub on this machine: what needs no cluster passes there, and fails alone.

Memory limit, cloud metadata, Kubernetes' credentials and network policy need a cluster: tests/e2e has them.
"""

import asyncio
import importlib.util
import json
import os
import re
import signal
import socket
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

import pytest
import yaml

from repositories import npm_package, objects, render

NEEDS_A_CLUSTER = ["memory", "metadata", "kubernetes", "network"]
# The version of the proxy image that the jupyterhub chart 4.4.0 names.
PROXY = "configurable-http-proxy@5.2.0"

TOKEN = "token-of-this-test"  # noqa: S105


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


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def repository(bake: Callable[..., Path]) -> Path:
    """A repository with the default answers."""
    return bake()


@pytest.fixture(scope="module")
def robot(repository: Path) -> ModuleType:
    """The robot's code."""
    spec = importlib.util.spec_from_file_location("robot", repository / "chart" / "files" / "robot_student.py")
    code = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(code)
    return code


@pytest.fixture(scope="module")
def expectations(repository: Path) -> dict:
    """What the chart tells the robot to expect."""
    return expected_of(repository, "staging")[0]


@pytest.fixture(scope="module")
def hub(repository: Path, proxy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """`hub(config)`: the address of a hub with this configuration, and with the role that the chart gives the robot."""
    running: list[subprocess.Popen] = []
    chart = yaml.safe_load((repository / "chart" / "values.yaml").read_text("utf-8"))["jupyterhub"]["hub"]
    role = {"name": "robot-student"} | chart["loadRoles"]["robot-student"]
    service = {"name": "robot-student", "api_token": TOKEN} | chart["services"]["robot-student"]

    @cache
    def started(config: str) -> str:
        folder = tmp_path_factory.mktemp("hub")
        for name, module in {"package-broken": "course_package", "ipykernel-broken": "ipykernel"}.items():
            (folder / name).mkdir()
            (folder / name / f"{module}.py").write_text('raise ImportError("libcourse.so.1 is not there")\n')
        port, api, inside = free_port(), free_port(), free_port()
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
    "password": (SHARED, {"signIn": {"name": "shared-password", "config": {}}}, "refuses a wrong one"),
    "provider": (PROVIDER, provider(), "it leads to https://login.example.edu/authorize"),
    "LMS": (LTI, lti(), "it leads to https://campus.example.edu/mod/lti/auth.php"),
    "any password": (
        'c.JupyterHub.authenticator_class = "dummy"\nc.Authenticator.allow_all = True',
        {"signIn": {"name": "dummy", "config": {}}},
        "lets a wrong password in",
    ),
    "another callback": (
        PROVIDER,
        provider(oauth_callback_url="https://new.example.edu/hub/oauth_callback"),
        "would send people back to https://hub.example.edu/hub/oauth_callback; hub.config says https://new.",
    ),
    "another client": (PROVIDER, provider(client_id="new"), "is asked for client_id 'hub'; hub.config says new"),
    "another LMS": (
        LTI,
        lti(authorize_url="https://lms.example.edu/authorize"),
        "leads to https://campus.example.edu/mod/lti/auth.php, but hub.config of LTI13Authenticator says https://lms.",
    ),
    "no password": (PROVIDER, {"signIn": {"name": "shared-password", "config": {}}}, "asks for no password"),
    "no provider": (SHARED, provider(), "has no way to /hub/oauth_login"),
    "no authenticator": (SHARED, {"signIn": {"name": "gitbuh", "config": {}}}, "gitbuh cannot be used in the hub's"),
}


@pytest.mark.parametrize("case", SIGN_IN)
def test_sign_in(hub, robot, case: str) -> None:
    config, expect, sentence = SIGN_IN[case]
    visitor = robot.Robot(expect | {"url": hub(config)}, TOKEN)
    try:
        assert sentence in asyncio.run(visitor.sign_in())
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
    found = robot.authenticator(**expect["signIn"])
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
        "leads to https://login.example.edu/authorize, but hub.config of GenericOAuthenticator says https://idp.",
    ),
    "no server": (SHARED + 'c.Spawner.cmd = ["false"]', {}, "spawn", "the server does not start: "),
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
