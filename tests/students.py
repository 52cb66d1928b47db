"""A course repository on its way to a real cluster, and a student who holds a kernel there meanwhile."""

import asyncio
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
import yaml
from hubs import free_port
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from repositories import merge

# An image of which the answers' own is not, for a change of it.
OTHER_IMAGE = os.environ.get(
    "E2E_OTHER_IMAGE",
    "quay.io/jupyter/minimal-notebook:2026-09-01"
    "@sha256:aebcf531fc77f3341568f5e37de7eb392ae48f1ae5ce9bc9cf779bd602548d17",
)
TIMEOUT = os.environ.get("E2E_TIMEOUT", "90s")
# Where the students' password is among the secrets.
PASSWORD = "jupyterhub.hub.config.SharedPasswordAuthenticator.user_password"  # noqa: S105 - the name of a value
# What a hub has outside of its namespace.
KINDS = "namespaces,clusterroles,clusterrolebindings,priorityclasses,persistentvolumes,storageclasses"

# A configuration with which the hub does not start.
CRASH = """
from jupyterhub.authenticators.shared import SharedPasswordAuthenticator

class Broken(SharedPasswordAuthenticator):
    def __init__(self, **kwargs):
        raise RuntimeError("this authenticator crashes the hub")

c.JupyterHub.authenticator_class = Broken
"""


class Dumper(yaml.SafeDumper):
    """YAML as a repository's yamllint wants it: lists are indented."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Without the exception for lists."""
        super().increase_indent(flow)


def wait_until(done: Callable[[], object], sentence: str, seconds: int = 120) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, sentence
        time.sleep(1)


def list_own_objects(release: str) -> set[str]:
    """What of the cluster names the release, outside of namespaces. Others may use the cluster meanwhile."""
    command = ["kubectl", "get", KINDS, "--output=json"]
    items = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["items"]
    return {f"{item['kind']}/{item['metadata']['name']}" for item in items if f'"{release}"' in json.dumps(item)}


class Repository:
    """A course repository under git, on its way to the cluster."""

    def __init__(self, folder: Path, helm: str, keys: Path) -> None:
        self.folder = folder
        self.environ = {**os.environ, "HELM": helm, "XDG_CONFIG_HOME": str(keys)}
        self.environ |= {
            f"GIT_{who}_{what}": "e2e@example.edu" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        self.name = yaml.safe_load((folder / "chart" / "Chart.yaml").read_text("utf-8"))["name"]

    def run(self, *command: str, check: bool = True, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command in the repository."""
        done = subprocess.run(command, cwd=self.folder, env=self.environ, input=typed, capture_output=True, text=True)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def make(self, *arguments: str, check: bool = True, typed: str = "") -> str:
        """Run make as a person does, who types something: what it printed. It is in the log of the test."""
        done = self.run("make", f"TIMEOUT={TIMEOUT}", *arguments, check=check, typed=typed)
        print(f"--- make {' '.join(arguments)}\n{done.stdout}{done.stderr}")
        assert check or done.returncode, done.stdout
        return done.stdout + done.stderr

    def run_deployer(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one of its commands, as its Makefile does."""
        return self.run(sys.executable, "-m", "deployer", *arguments, check=check)

    def deploy(self, env: str = "staging", check: bool = True, timeout: str = TIMEOUT) -> str:
        """Deploy, and say so: what it printed."""
        done = self.run_deployer("deploy", f"--env={env}", f"--timeout={timeout}", check=check)
        print(done.stdout + done.stderr)
        assert check or done.returncode != 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def change(self, values: dict, message: str, file: str = "config/hub.yaml") -> None:
        """Merge values into a file of config/, and commit."""
        path = self.folder / file
        text = yaml.dump(merge(yaml.safe_load(path.read_text("utf-8")), values), Dumper=Dumper, sort_keys=False)
        path.write_text(text, "utf-8")
        self.run("git", "commit", "--quiet", "--all", f"--message={message}")

    def undo(self) -> None:
        """Revert the last commit."""
        self.run("git", "revert", "--no-edit", "HEAD")

    def commit(self, message: str) -> None:
        """Commit everything."""
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", f"--message={message}")

    def kubectl(self, env: str, *arguments: str, check: bool = True) -> str:
        """Return the output of kubectl for the namespace of an environment."""
        return self.run("kubectl", "--namespace", f"{self.name}-{env}", *arguments, check=check).stdout

    def read_uids(self, env: str, selector: str = "component=singleuser-server") -> str:
        """Return the identifiers of the running pods of a component."""
        return self.kubectl(env, "get", "pods", f"--selector={selector}", "--output=jsonpath={.items[*].metadata.uid}")

    def secret(self, env: str, key: str = PASSWORD) -> str:
        """A secret in plain text: the students' password, or another one."""
        return self.run_deployer("secrets", "show", f"--env={env}", f"--key={key}").stdout.strip()

    def create_accounts(self, folder: Path) -> dict[str, Path]:
        """Run the commands of docs/cluster.md for the pipeline's accounts, word for word. Their kubeconfigs."""
        self.run("kubectl", "apply", "--filename=cluster/deployer.yaml")
        text = (self.folder / "docs" / "cluster.md").read_text("utf-8")
        commands = next(part for part in re.findall(r"```console\n(.*?)```", text, re.DOTALL) if "set-cluster" in part)
        look = ("kubectl", "config", "view", "--minify", "--output=jsonpath={.clusters[0].cluster.server}")
        server = self.run(*look).stdout
        kubeconfigs = {}
        for env in "staging", "prod":
            block = commands.replace("-staging", f"-{env}").replace("https://ADDRESS-OF-THE-CLUSTER:6443", server)
            assert "yes" in self.run("bash", "-euc", block).stdout
            name = f"deployer-{env}.kubeconfig"
            kubeconfigs[env] = Path(shutil.move(self.folder / name, folder / f"{self.name}-{name}"))
        return kubeconfigs

    @contextmanager
    def forward(self, env: str) -> Iterator[str]:
        """Forward a port to a hub that is deployed: its address here."""
        port = free_port()
        command = ["kubectl", f"--namespace={self.name}-{env}", "port-forward", "service/proxy-public", f"{port}:80"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                wait_for_hub(f"http://localhost:{port}")
                yield f"http://localhost:{port}"
            finally:
                process.terminate()

    def remove(self, wait: bool = False) -> None:
        """Delete what a run of the tests has left in the cluster, whatever `make destroy` did."""
        if os.environ.get("E2E_KEEP") and not wait:
            return
        releases = [f"{self.name}-{env}" for env in ("staging", "prod")]
        roles = [f"{release}-deployer" for release in releases]
        for kind, names in ("namespace", releases), ("clusterrole", roles), ("clusterrolebinding", roles):
            self.run("kubectl", "delete", kind, "--ignore-not-found", f"--wait={str(wait).lower()}", *names)


def wait_for_hub(address: str) -> None:
    """Wait until the sign-in page answers."""
    end = time.monotonic() + 30
    while True:
        try:
            requests.get(f"{address}/hub/login", timeout=5).raise_for_status()
            return
        except requests.RequestException:
            assert time.monotonic() < end, "the login page does not answer"
            time.sleep(0.2)


def sign_in(base: str, name: str, password: str) -> requests.Session:
    """A browser in which somebody has signed in with the shared password."""
    session = requests.Session()
    session.get(f"{base}/hub/login")
    token = next(cookie.value for cookie in session.cookies if cookie.name == "_xsrf" and cookie.path == "/hub/")
    page = session.post(f"{base}/hub/login", data={"username": name, "password": password, "_xsrf": token})
    assert page.ok and "/hub/login" not in page.url, page.url
    return session


class Student:
    """Signs in with a browser's requests, starts a server, and lets a cell tick while others deploy."""

    def __init__(self, base: str, name: str, password: str) -> None:
        self.base, self.name = base, name
        self.ticks: list[float] = []
        self.closed: float | None = None
        self.session = sign_in(base, name, password)
        self.session.get(f"{base}/hub/spawn/{name}")
        end = time.monotonic() + 180
        while f"/user/{name}/" not in (page := self.session.get(f"{base}/user/{name}/lab")).url or not page.ok:
            assert time.monotonic() < end, page.text[-2000:]
            time.sleep(2)
        self.headers = {"X-XSRFToken": self.cookie(f"/user/{name}/"), "Referer": page.url}

    def cookie(self, path: str) -> str:
        """The XSRF cookie of a path."""
        return next(c.value for c in self.session.cookies if c.name == "_xsrf" and c.path == path)

    def tick(self, seconds: int) -> None:
        """Open a kernel's websocket and run a cell that prints five times a second, in a thread of its own."""
        kernels = f"{self.base}/user/{self.name}/api/kernels"
        kernel = self.session.post(kernels, json={"name": "python3"}, headers=self.headers)
        kernel.raise_for_status()
        cookies = [c for c in self.session.cookies if f"/user/{self.name}/".startswith(c.path)]
        sent = {"Cookie": "; ".join(f"{c.name}={c.value}" for c in cookies), "Origin": self.base}
        address = f"{kernels.replace('http', 'ws', 1)}/{kernel.json()['id']}/channels"
        header = {"msg_id": "tick", "msg_type": "execute_request", "session": "e2e", "version": "5.3", "username": ""}
        code = f"import time\nfor i in range({seconds * 5}):\n    print(i, flush=True)\n    time.sleep(0.2)"
        content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "channel": "shell", "content": content}

        async def listen() -> None:
            # requests reads this variable by itself.
            trusted = os.environ.get("REQUESTS_CA_BUNDLE")
            connection = await websocket_connect(HTTPRequest(address, headers=sent, ca_certs=trusted))
            await connection.write_message(json.dumps(message))
            while (text := await connection.read_message()) is not None:
                if json.loads(text)["msg_type"] == "stream":
                    self.ticks.append(time.monotonic())
            self.closed = time.monotonic()

        threading.Thread(target=asyncio.run, args=[listen()], daemon=True).start()
        end = time.monotonic() + 60
        while len(self.ticks) < 10:
            assert time.monotonic() < end and not self.closed, "the cell does not tick"
            time.sleep(0.2)

    def gap(self, since: float) -> float:
        """The longest silence of the kernel since a moment; also that before now."""
        times = [since, *(tick for tick in self.ticks if tick >= since), time.monotonic()]
        return max(after - before for before, after in itertools.pairwise(times))
