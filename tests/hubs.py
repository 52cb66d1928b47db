"""A JupyterHub on this machine, with the configuration that a rendered chart gives it.

The chart's own jupyterhub_config.py reads the rendered Secret and ConfigMap, as it does in a hub pod. Only what needs a
cluster is replaced: spawner, proxy, addresses and database.
"""

import base64
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import requests
from jupyterhub.proxy import Proxy

MOUNT = "/usr/local/etc/jupyterhub"
INSTEAD_OF_A_CLUSTER = """
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.proxy_class = "hubs.NoProxy"
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = c.JupyterHub.hub_connect_url = "http://127.0.0.1:{port}"
c.JupyterHub.db_url = "{database}"
c.JupyterHub.cookie_secret = "{secret}"
c.CryptKeeper.keys = ["{secret}"]
c.JupyterHub.services = [{{**service, "command": []}} for service in c.JupyterHub.services]
"""


class NoProxy(Proxy):
    """Nothing in front of the hub: the tests talk to its own port."""

    should_start = False

    async def add_route(self, routespec, target, data) -> None: ...

    async def delete_route(self, routespec) -> None: ...

    async def get_all_routes(self) -> dict:
        return {}

    async def check_routes(self, *_) -> None: ...


def free_port() -> int:
    """A port of the loopback address that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def configuration(objects: list[dict], folder: Path, port: int = 0, database: str = "sqlite://") -> Path:
    """The rendered hub's jupyterhub_config.py in a folder, with all that it reads beside it."""
    data = {item["kind"]: item["data"] for item in objects if item["metadata"]["name"] == "hub" and "data" in item}
    for kind, decode in ("ConfigMap", str.encode), ("Secret", base64.b64decode):
        mounted = folder / ("config" if kind == "ConfigMap" else "secret")
        mounted.mkdir(parents=True)
        for name, content in data[kind].items():
            (mounted / name).write_bytes(decode(content))
    for name in "jupyterhub_config.py", "z2jh.py":
        (folder / name).write_text(data["ConfigMap"][name].replace(MOUNT, str(folder)), encoding="utf-8")
    with (folder / "jupyterhub_config.py").open("a", encoding="utf-8") as file:
        file.write(INSTEAD_OF_A_CLUSTER.format(port=port, database=database, secret=secrets.token_hex(32)))
    return folder / "jupyterhub_config.py"


def environment(folder: Path) -> dict[str, str]:
    """What Kubernetes tells a hub pod of the services beside it."""
    told = {}
    for name in "hub", "proxy-api", "proxy-http":
        path = folder / "config" / name
        service = (path.read_text(encoding="utf-8") if path.is_file() else name).upper().replace("-", "_")
        told |= {f"{service}_SERVICE_HOST": "127.0.0.1", f"{service}_SERVICE_PORT": "1"}
    return told


class Browser(requests.Session):
    """A person's browser at a hub, before or after signing in."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address
        # The names of the cookies that the hub has set for https only.
        self.secure: set[str] = set()

    def request(self, method: str, path: str, **kwargs) -> requests.Response:
        """Ask the hub for a path, without following where it leads."""
        kwargs |= {"allow_redirects": False, "timeout": 30}
        answer = super().request(method, self.address + path, **kwargs)
        # What ends TLS in front of a hub with a domain is not here, so these cookies have to go over HTTP.
        for cookie in self.cookies:
            if cookie.secure:
                self.secure.add(cookie.name)
                cookie.secure = False
        return answer

    def sign_in_page(self) -> str:
        """The HTML of the page on which a person starts."""
        page = self.get("/hub/login")
        assert page.status_code == 200, page.text
        return page.text

    def lead(self, path: str) -> tuple[str, dict[str, str]]:
        """Where a path leads: the address, and its parameters."""
        answer = self.get(path)
        assert answer.status_code == 302, answer.text
        url = urlsplit(answer.headers["Location"])
        return f"{url.scheme}://{url.netloc}{url.path}", {key: value[0] for key, value in parse_qs(url.query).items()}

    def button(self) -> tuple[str, dict[str, str]]:
        """Where the button of the sign-in page leads."""
        found = re.search(r"href='([^']*oauth_login[^']*)'>Sign in with", self.sign_in_page())
        assert found, "the sign-in page has no button"
        return self.lead(found[1].replace("&amp;", "&"))

    def sign_in(self, name: str, password: str) -> int:
        """Fill in the form. The status: 302 lets in, 403 keeps out."""
        self.sign_in_page()
        form = {"username": name, "password": password, "_xsrf": self.cookies["_xsrf"]}
        return self.post("/hub/login?next=/hub/home", data=form).status_code

    def api(self, method: str, path: str, **kwargs) -> requests.Response:
        """Ask the hub's API, as its pages do."""
        kwargs.setdefault("headers", {"X-XSRFToken": self.cookies.get("_xsrf") or ""})
        return self.request(method, f"/hub/api{path}", **kwargs)


@contextmanager
def running(objects: list[dict], folder: Path, database: str = "sqlite://") -> Iterator[str]:
    """A JupyterHub process with the rendered configuration, as long as it is wanted. Its address."""
    port = free_port()
    config = configuration(objects, folder, port, database)
    paths = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    environ = {**os.environ, **environment(folder), "PYTHONPATH": paths}
    log = folder / "log"
    with log.open("w", encoding="utf-8") as file:
        command = [sys.executable, "-m", "jupyterhub", "-f", config]
        process = subprocess.Popen(command, cwd=folder, env=environ, stdout=file, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 60
        while True:
            try:
                requests.get(f"{address}/hub/health", timeout=5)
                break
            except requests.ConnectionError:
                assert process.poll() is None and time.monotonic() < until, log.read_text(encoding="utf-8")
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(30)
