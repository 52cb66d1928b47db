"""Fixtures of the tests on a real cluster, and what they need to be let loose on one."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from students import Repository, Student


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here is marked e2e, and skipped without a cluster that was named for it."""
    context = subprocess.run(["kubectl", "config", "current-context"], capture_output=True, text=True).stdout.strip()
    for item in items:
        if "e2e" not in item.path.parts:
            continue
        item.add_marker(pytest.mark.e2e)
        if not context or os.environ.get("E2E_CONTEXT") != context:
            current = (
                f"kubectl's current context, which is {context}" if context else "kubectl's context, and there is none"
            )
            item.add_marker(pytest.mark.skip(f"needs a cluster to play with: E2E_CONTEXT has to name {current}"))


@pytest.fixture(scope="module", params=["HELM", "HELM4"])
def helm(request: pytest.FixtureRequest) -> str:
    """Helm 3, and Helm 4 where $HELM4 names it."""
    if not os.environ.get(request.param):
        pytest.skip(f"${request.param} does not name a helm")
    return os.environ[request.param]


@pytest.fixture(scope="module")
def repository(bake: Callable[..., Path], helm: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """A repository with the default answers, its secrets made, committed. Its namespaces are removed at the end."""
    folder = tmp_path_factory.mktemp("e2e")
    # Another name lets two runs share a cluster.
    source = bake(**({"hub_name": os.environ["E2E_HUB_NAME"]} if "E2E_HUB_NAME" in os.environ else {}))
    made = Repository(Path(shutil.copytree(source, folder / "hub")), helm, folder / "keys")
    made.run("git", "init", "--quiet", "--initial-branch=main")
    made.run_deployer("keys", "mine")
    made.run_deployer("secrets", "make")
    made.run("git", "add", "--all")
    made.run("git", "commit", "--quiet", "--message=A hub for our course")
    namespaces = [f"{made.name}-{env}" for env in ("staging", "prod")]
    made.run("kubectl", "delete", "namespace", "--ignore-not-found", "--wait", *namespaces)
    yield made
    if not os.environ.get("E2E_KEEP"):
        made.run("kubectl", "delete", "namespace", "--ignore-not-found", "--wait=false", *namespaces)


@pytest.fixture(scope="module")
def env() -> str:
    """The environment that a module deploys first."""
    return "staging"


@pytest.fixture(scope="module")
def address(repository: Repository, env: str) -> Iterator[str]:
    """Where the hub is reached from here, once it is deployed: kubectl's port-forward to the proxy."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    name = f"{repository.name}-{env}"
    forward = subprocess.Popen(
        ["kubectl", "--namespace", name, "port-forward", "service/proxy-public", f"{port}:80"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    base = f"http://localhost:{port}"
    end = time.monotonic() + 30
    while True:
        try:
            requests.get(f"{base}/hub/login", timeout=5).raise_for_status()
            break
        except requests.RequestException:
            assert time.monotonic() < end, "the login page does not answer"
            time.sleep(0.2)
    yield base
    forward.terminate()


@pytest.fixture(scope="module")
def student(repository: Repository, address: str) -> Student:
    """A student with a kernel that ticks until the end of the tests."""
    password = repository.secret("staging", "jupyterhub.hub.config.SharedPasswordAuthenticator.user_password")
    found = Student(address, "ada", password)
    found.tick(3600)
    return found
