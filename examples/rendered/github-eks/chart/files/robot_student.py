"""A test user that uses the hub as a student does, after every deploy, and reports each check.

It runs in the hub's own image as a Helm test. $EXPECT has what it expects, as JSON that the chart writes from the
values; $JUPYTERHUB_API_TOKEN has the token of its service. Arguments are names of checks to leave out.
"""

import asyncio
import json
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from html import unescape
from http.cookies import SimpleCookie
from importlib.metadata import entry_points
from urllib.parse import parse_qs, urlencode, urlsplit

from robot_cells import CREDENTIALS, IMPORTS, LIMIT, MISSING, OPEN, READ, WRITE
from robot_client import CheckError, HubClient
from tornado.httpclient import HTTPResponse
from traitlets.config import Config
from traitlets.utils.importstring import import_item

# Seconds: course files may arrive after the server is up.
CONTENT = 60


def load_authenticator(name: str, config: dict):
    """Return the hub's authenticator, with what is not secret of its configuration."""
    try:
        found = {entry.name.lower(): entry for entry in entry_points(group="jupyterhub.authenticators")}
        cls = found[name.lower()].load() if name.lower() in found else import_item(name)
        return cls(config=Config(config))
    except Exception as error:
        raise CheckError(
            f"jupyterhub.hub.config.JupyterHub.authenticator_class: the hub's image cannot load '{name}' ({error}). "
            "Name an authenticator that it has"
        ) from None


class Robot:
    """The checks. Each returns a message for the log, or raises CheckError."""

    def __init__(self, expect: dict, token: str) -> None:
        self.expect = expect
        self.hub = HubClient(expect, token)

    async def check_sign_in(self) -> str:
        """The sign-in page leads to the provider that the configuration names."""
        wanted = load_authenticator(**self.expect["signIn"])
        section = f"jupyterhub.hub.config.{type(wanted).__name__}"
        page = await self.hub.fetch("/hub/login")
        if not hasattr(wanted, "authorize_url"):
            return await self.check_password_form(page)
        start = wanted.login_url("/hub/")
        if type(wanted).__name__.startswith("LTI13"):
            launch = {"iss": wanted.issuer, "login_hint": self.hub.user, "target_link_uri": self.hub.url}
            launch["client_id"] = next(iter(wanted.client_id), "")
            answer = await self.hub.fetch(start, "POST", body=urlencode(launch))
        else:
            if start not in unescape((page.body or b"").decode()) + page.headers.get("Location", ""):
                raise CheckError(f"the sign-in page /hub/login does not link to {start} (status {page.code})")
            answer = await self.hub.fetch(start)
        to = urlsplit(answer.headers.get("Location", ""))
        where = f"{to.scheme}://{to.netloc}{to.path}"
        if where != wanted.authorize_url.partition("?")[0]:
            raise CheckError(
                f"{section}.authorize_url is {wanted.authorize_url}, but {start} leads to "
                f"{where if to.netloc else 'no provider'} (status {answer.code})"
            )
        query = parse_qs(to.query)
        client = query.get("client_id", [""])[0]
        known = [wanted.client_id] if isinstance(wanted.client_id, str) else wanted.client_id
        if client not in known:
            raise CheckError(f"{section}.client_id is {', '.join(known)}, but {where} is asked for {client!r}")
        callback = getattr(wanted, "oauth_callback_url", "")
        back = query.get("redirect_uri", [""])[0]
        if callback and back != callback:
            raise CheckError(f"{section}.oauth_callback_url is {callback}, but {where} would send people to {back}")
        return f"it leads to {where}"

    async def check_password_form(self, page: HTTPResponse) -> str:
        """The sign-in page asks for a password and rejects a wrong one."""
        if page.code != 200 or b'name="password"' not in page.body:
            raise CheckError(f"the sign-in page /hub/login does not ask for a password (status {page.code})")
        jar = SimpleCookie()
        for cookie in page.headers.get_list("Set-Cookie"):
            jar.load(cookie)
        # Not the test user's name, which is rejected with any password.
        form = {"username": "robot-student", "password": secrets.token_hex(16), "_xsrf": jar["_xsrf"].value}
        sent = {"Cookie": "; ".join(f"{key}={item.value}" for key, item in jar.items())}
        answer = await self.hub.fetch("/hub/login", "POST", body=urlencode(form), headers=sent)
        if answer.code != 403:
            raise CheckError(f"/hub/login accepts a wrong password (status {answer.code}, not 403)")
        return "it asks for a password and rejects a wrong one"

    async def check_spawn(self) -> str:
        """A server starts."""
        await self.hub.start_server()
        return "the server is up"

    async def check_cell(self) -> str:
        """A kernel starts in the server and runs a cell."""
        name = await self.hub.open_kernel()
        if (found := await self.hub.run_python("print(json.dumps(6 * 7))")) != 42:
            raise CheckError(f"a cell says that 6 * 7 is {found}")
        return f"{name} runs a cell"

    async def check_memory(self) -> str:
        """The server's memory limit is the configured one."""
        wanted, size = self.expect["memoryLimit"]["text"], self.expect["memoryLimit"]["bytes"]
        found = await self.hub.run_python(LIMIT)
        if found != str(size):
            raise CheckError(f"the server's cgroup limits memory to {found} bytes, not to {wanted} ({size} bytes)")
        return f"limited to {wanted}"

    async def check_imports(self) -> str:
        """The course's packages import."""
        names = self.expect["imports"]
        if wrong := await self.hub.run_python(IMPORTS.format(names=names)):
            raise CheckError(f"robotStudent.imports: not in the image, or broken there: {'; '.join(wrong)}")
        return f"{', '.join(names) or 'no package expected'}"

    async def check_content(self) -> str:
        """The course's files are in the home."""
        names = self.expect["files"]
        end = time.monotonic() + self.expect.get("contentTimeout", CONTENT)
        while missing := await self.hub.run_python(MISSING.format(names=names)):
            if time.monotonic() > end:
                raise CheckError(f"robotStudent.files: not in the home, or empty: {', '.join(missing)}")
            await asyncio.sleep(2)
        return f"{', '.join(names) or 'no file expected'}"

    async def check_metadata(self) -> str:
        """A student cannot reach the cloud's metadata server, which hands out the node's credentials."""
        address = self.expect["metadata"]
        if await self.hub.run_python(OPEN.format(host=address, port=80)):
            raise CheckError(
                f"a student's server reaches the cloud's metadata server at {address}. Let the cluster enforce the "
                "network policy of jupyterhub.singleuser for that address; docs/cluster.md has the other way"
            )
        return f"{address} cannot be reached"

    async def check_kubernetes(self) -> str:
        """A student has no credential for the Kubernetes API."""
        if found := await self.hub.run_python(CREDENTIALS):
            raise CheckError(
                f"jupyterhub.singleuser.serviceAccountName: a student's server has a credential for the Kubernetes API "
                f"({', '.join(found)}). Leave it empty"
            )
        return "no credential"

    async def check_network(self) -> str:
        """The cluster enforces network policies: a student cannot reach the proxy's API."""
        service = self.expect["forbidden"]
        try:
            host = socket.gethostbyname(service["host"])
        except OSError as error:
            raise CheckError(f"the service {service['host']} has no address: {error}") from None
        if await self.hub.run_python(OPEN.format(host=host, port=service["port"])):
            raise CheckError(
                f"a student's server reaches {service['host']}:{service['port']}, which a network policy of the chart "
                "forbids: this cluster does not enforce NetworkPolicy. See docs/cluster.md"
            )
        return f"{service['host']} cannot be reached"

    async def check_restart(self) -> str:
        """A file in the home survives a restart of the server."""
        mark = secrets.token_hex(16)
        home = await self.hub.run_python(WRITE.format(mark=mark))
        await self.hub.stop_server()
        await self.hub.start_server()
        await self.hub.open_kernel()
        if (found := await self.hub.run_python(READ)) != mark:
            raise CheckError(f"a file in {home} is {'gone' if found is None else 'another'} after a restart")
        return f"a file in {home} is still there"

    async def remove_user(self) -> str:
        """Stop the server and delete the user, with its token and its volume. A home on a share stays."""
        await self.hub.delete_user()
        return "the server, the user and its token are deleted"


async def run_checks(robot: Robot, without: set[str]) -> bool:
    """Run the checks, clean up in any case, and print a line for each. Return whether all passed."""
    failed: list[str] = []
    start = time.monotonic()

    async def run(name: str, check: Callable[[], Awaitable[str]]) -> bool:
        begun = time.monotonic()
        try:
            word, message = "ok", await check()
        except CheckError as failure:
            word, message = "FAILED", str(failure)
            failed.append(name)
        except Exception as error:
            word, message = "FAILED", f"an error in the robot student itself: {type(error).__name__}: {error}"
            failed.append(name)
        print(f"{word:6} {time.monotonic() - begun:6.1f} s  {name}: {message}", flush=True)
        return word == "ok"

    inside = {
        "memory": robot.check_memory,
        "imports": robot.check_imports,
        "content": robot.check_content,
        "metadata": robot.check_metadata,
        "kubernetes": robot.check_kubernetes,
        "network": robot.check_network,
        "restart": robot.check_restart,
    }
    names = [name for name in inside if name not in without]
    try:
        await run("sign-in", robot.check_sign_in)
        # An earlier run may have been stopped before it could clean up.
        ready = await run("hub", robot.remove_user)
        if ready and await run("spawn", robot.check_spawn) and await run("cell", robot.check_cell):
            for name in names:
                await run(name, inside[name])
        else:
            print(f"not run, because there is no server: {', '.join(names)}")
    finally:
        await run("clean-up", robot.remove_user)
    took = f"in {time.monotonic() - start:.0f} s"
    result = f"FAILED {took}: {', '.join(failed)}" if failed else f"all checks passed {took}"
    print(f"robot student: {result}")
    return not failed


async def main() -> bool:
    """Run until the end, or clean up and stop when Kubernetes says so."""
    robot = Robot(json.loads(os.environ["EXPECT"]), os.environ["JUPYTERHUB_API_TOKEN"])
    task = asyncio.ensure_future(run_checks(robot, set(sys.argv[1:])))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        print("robot student: FAILED: it was stopped before its end")
        return False


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(main()) else 1)
