"""`make try ON=<context>` twice, a student at its link, then `make try-down`: nothing of it is left in the cluster."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from students import list_own_objects, sign_in

DEPLOYER = [sys.executable, "-m", "deployer"]
# A provider that does not know this cluster, and objects for which it has no definitions.
ANSWERS = {
    "sign_in": "github",
    "sign_in_allow": "example-org",
    "admin_users": "ada",
    "platform": "gke",
    "tls": "ingress",
    "hub_domain": "hub.example.edu",
}


def run(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the repository."""
    done = subprocess.run([*DEPLOYER, *arguments], cwd=repository, capture_output=True, text=True)
    print(done.stdout + done.stderr)
    return done


@pytest.fixture
def repository(edited: Callable[..., Path]) -> Iterator[Path]:
    """A repository whose trial is removed at the end."""
    made = edited(hub_name=os.environ.get("E2E_HUB_NAME", "trial"), **ANSWERS)
    yield made
    run(made, "try-down")


def test_a_trial_leaves_nothing(repository: Path) -> None:
    context, name = os.environ["E2E_CONTEXT"], f"{repository.name}-try"
    assert list_own_objects(name) == set()
    done = run(repository, "try-on", "--on", context, "--robot")
    assert done.returncode == 0
    assert "robot student: all checks passed" in done.stdout
    assert f"Namespace/{name}" in list_own_objects(name)

    visit_link(repository, context)
    assert run(repository, "try-on", "--on", "kind-other", "--robot").stderr.startswith("ON=kind-other: the trial on")
    assert run(repository, "try-down").returncode == 0
    assert list_own_objects(name) == set()
    assert run(repository, "try-down").stderr.startswith("there is no trial on a cluster.")


def visit_link(repository: Path, context: str) -> None:
    """Run the command again, sign in at its link, then press Ctrl-C."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*DEPLOYER, "try-on", "--on", context, f"--port={port}"]
    log = repository / ".try" / "log"
    with log.open("w") as file, subprocess.Popen(command, cwd=repository, stdout=file, stderr=file) as trial:
        end = time.monotonic() + 300
        while "Ctrl-C ends the link" not in (said := log.read_text()):
            assert trial.poll() is None and time.monotonic() < end, said
            time.sleep(0.5)
        password = re.search(r"students \(any other name\): (\S+)", said)
        assert password, said
        page = sign_in(f"http://127.0.0.1:{port}", "eve", password[1]).get(f"http://127.0.0.1:{port}/hub/home")
        assert "/hub/login" not in page.url
        trial.send_signal(signal.SIGINT)
        assert trial.wait(30) == 0


def test_a_namespace_of_somebody_else_is_left_alone(repository: Path) -> None:
    name = f"{repository.name}-try"
    subprocess.run(["kubectl", "create", "namespace", name], check=True)
    try:
        done = run(repository, "try-on", "--on", os.environ["E2E_CONTEXT"], "--robot")
        assert f"the namespace {name} is there, and `make try` has not made it" in done.stderr
        assert run(repository, "try-down").returncode == 1
        assert list_own_objects(name) == {f"Namespace/{name}"}
    finally:
        subprocess.run(["kubectl", "delete", "namespace", name, "--wait"], check=True)
