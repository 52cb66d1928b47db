"""What visitors of a paused hub see at its address, behind whatever terminates TLS."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from students import TIMEOUT, Repository


@contextmanager
def forward(repository: Repository) -> Iterator[str]:
    """Where the Service of the proxy is reached from here, whatever pod is behind it now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        "kubectl",
        "--namespace",
        f"{repository.name}-staging",
        "port-forward",
        "service/proxy-public",
        f"{port}:80",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        time.sleep(3)
        yield f"http://127.0.0.1:{port}"
        process.terminate()


def test_visitors_see_a_page_until_the_hub_is_awake(repository: Repository) -> None:
    ingress = {
        "enabled": True,
        "hosts": ["hub.example.edu"],
        "tls": [{"hosts": ["hub.example.edu"], "secretName": "tls"}],
    }
    repository.change({"jupyterhub": {"ingress": ingress}}, "A host name", "config/staging.yaml")
    repository.change({"course": {"title": "<b>Physics</b> & more", "contact": "team@example.edu"}}, "A title")
    repository.deploy()
    said = repository.run_deployer("pause", "--env=staging", "--until=1 <March>").stdout
    assert "https://hub.example.edu says so to visitors." in said
    with forward(repository) as address:
        for path in "/", "/hub/login", "/user/ada/lab":
            answer = requests.get(f"{address}{path}", timeout=10)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3600")
            assert "<h1>&lt;b&gt;Physics&lt;/b&gt; &amp; more is paused until 1 &lt;March&gt;</h1>" in answer.text
            assert "Your files are kept" in answer.text and "team@example.edu" in answer.text
        assert requests.post(f"{address}/hub/login", timeout=10).status_code == 503
        assert requests.head(address, timeout=10).text == ""
    # Once more, as after an interruption: the page stays.
    repository.run_deployer("pause", "--env=staging")
    assert "1/1" in repository.kubectl("staging", "get", "deployment", "paused-page")
    said = repository.run_deployer("resume", "--env=staging", f"--timeout={TIMEOUT}").stdout
    assert "robot student: all checks passed" in said
    assert not repository.kubectl(
        "staging", "get", "deployments", "--selector=app.kubernetes.io/name=paused-page"
    ).strip()
    with forward(repository) as address:
        assert requests.get(f"{address}/hub/login", timeout=10).status_code == 200
