"""Fixtures of the tests on a real cluster, and what they need to be let loose on one."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from students import Repository, Student

TIMES = pytest.StashKey[list[tuple[str, str, float]]]()


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
def answers() -> dict[str, str]:
    """The answers of a module that are not the default ones."""
    return {}


@pytest.fixture(scope="module")
def repository(
    bake: Callable[..., Path], answers: dict[str, str], helm: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Repository]:
    """A repository with these answers, its secrets made, committed. Its namespaces are removed at the end."""
    folder = tmp_path_factory.mktemp("e2e")
    # Another name lets two runs share a cluster.
    named = {"hub_name": os.environ["E2E_HUB_NAME"]} if "E2E_HUB_NAME" in os.environ else {}
    source = bake(**answers, **named)
    made = Repository(Path(shutil.copytree(source, folder / "hub")), helm, folder / "keys")
    made.run("git", "init", "--quiet", "--initial-branch=main")
    made.run_deployer("keys", "mine")
    made.run_deployer("secrets", "make")
    made.commit("A hub for our course")
    made.remove(wait=True)
    yield made
    made.remove()


@pytest.fixture(scope="module")
def env() -> str:
    """The environment that a module deploys first."""
    return "staging"


@pytest.fixture(scope="module")
def address(repository: Repository, env: str) -> Iterator[str]:
    """Where the hub is reached from here, once it is deployed: kubectl's port-forward to the proxy."""
    with repository.forward(env) as base:
        yield base


@pytest.fixture(scope="module")
def student(repository: Repository, address: str) -> Student:
    """A student with a kernel that ticks until the end of the tests."""
    found = Student(address, "ada", repository.secret("staging"))
    found.tick(3600)
    return found


@pytest.fixture(scope="module")
def clock(request: pytest.FixtureRequest, helm: str) -> Callable[[str], AbstractContextManager[None]]:
    """`with clock("a step"):` takes its time, for the table at the end."""
    times = request.config.stash.setdefault(TIMES, [])

    @contextmanager
    def take(step: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        times.append((Path(helm).name, step, time.monotonic() - start))

    return take


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print how long the steps took."""
    if times := config.stash.get(TIMES, []):
        terminalreporter.section("seconds of each step")
    for helm, step, seconds in times:
        terminalreporter.write_line(f"{seconds:7.1f}  {step}  ({helm})")
