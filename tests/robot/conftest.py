"""Fixtures: hubs on this machine with all that the chart configures for the robot student."""

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

import hubs
import pytest
import yaml
from robot_hubs import TOKEN, expected_of

from repositories import npm_package

NEEDS_A_CLUSTER = ["memory", "metadata", "kubernetes", "network"]
# The version of the proxy image that the jupyterhub chart 4.4.0 names.
PROXY = "configurable-http-proxy@5.2.0"


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
