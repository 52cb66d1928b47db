"""A robot that uses the hub as a student does and says, check by check, what does not hold.

It runs in the hub's own image as a Helm test, after every deploy. What it expects is in $EXPECT, as JSON that the chart
writes from the values; its token, which may do no more than this, in $JUPYTERHUB_API_TOKEN.
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

from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.websocket import websocket_connect
from traitlets.config import Config
from traitlets.utils.importstring import import_item

USER = "robot-student-user"
# Seconds. A cell may import a large package from a cold disk; course files may come after the server is up.
CELL, CONTENT, STOP = 180, 60, 120

# Each prints one JSON value from the student's kernel.
LIMIT = """
from pathlib import Path
files = "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"
found = [Path(file).read_text().strip() for file in files if Path(file).exists()]
print(json.dumps(found[0] if found else "no cgroup"))
"""
IMPORTS = """
import importlib
wrong = []
for name in {names!r}:
    try:
        importlib.import_module(name)
    except Exception as error:
        wrong.append(f"{{name}} ({{type(error).__name__}}: {{error}})")
print(json.dumps(wrong))
"""
MISSING = """
from pathlib import Path
def there(path):
    return path.is_file() or path.is_dir() and any(path.iterdir())
print(json.dumps([name for name in {names!r} if not there(Path.home() / name)]))
"""
OPEN = """
import socket
try:
    socket.create_connection(({host!r}, {port}), timeout=5).close()
    print(json.dumps(True))
except OSError:
    print(json.dumps(False))
"""
CREDENTIALS = """
import os
from pathlib import Path
account = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
print(json.dumps([str(account)] * account.exists() + ["$KUBECONFIG"] * ("KUBECONFIG" in os.environ)))
"""
WRITE = """
from pathlib import Path
(Path.home() / ".robot-student").write_text({mark!r})
print(json.dumps(str(Path.home())))
"""
READ = """
from pathlib import Path
file = Path.home() / ".robot-student"
print(json.dumps(file.read_text() if file.exists() else None))
file.unlink(missing_ok=True)
"""


class CheckError(Exception):
    """What does not hold, in a sentence."""


def size(amount: str | int) -> int:
    """Bytes of a size in JupyterHub's units, which are powers of 1024."""
    text = str(amount)
    if text[-1] in "KMGT":
        return int(float(text[:-1]) * 1024 ** ("KMGT".index(text[-1]) + 1))
    return int(float(text))


def authenticator(name: str, config: dict):
    """The hub's authenticator, with what is not secret of its configuration."""
    try:
        found = {entry.name.lower(): entry for entry in entry_points(group="jupyterhub.authenticators")}
        cls = found[name.lower()].load() if name.lower() in found else import_item(name)
        return cls(config=Config(config))
    except Exception as error:
        raise CheckError(
            f"hub.config.JupyterHub.authenticator_class {name} cannot be used in the hub's image: {error}"
        ) from None


class Robot:
    """A student with what it expects of the hub."""

    def __init__(self, expect: dict, token: str) -> None:
        self.expect = expect
        self.url = expect["url"].rstrip("/")
        self.headers = {"Authorization": f"token {token}"}
        self.socket = None

    async def fetch(self, path: str, method: str = "GET", **options) -> HTTPResponse:
        """An answer of the hub, whatever its status; redirects are not followed."""
        options.setdefault("request_timeout", 30)
        options |= {"follow_redirects": False, "allow_nonstandard_methods": True}
        request = HTTPRequest(self.url + path, method, **options)
        try:
            answer = await AsyncHTTPClient().fetch(request, raise_error=False)
        except OSError as error:
            raise CheckError(f"{self.url}{path} does not answer: {error}") from None
        if answer.code == 599:
            raise CheckError(f"{self.url}{path} does not answer: {answer.error}")
        return answer

    async def call(self, method: str, path: str, wanted: tuple[int, ...], body: dict | None = None, **options):
        """What the API of the hub, or of the student's server, answers."""
        text = None if body is None else json.dumps(body)
        answer = await self.fetch(path, method, body=text, headers=self.headers, **options)
        if answer.code not in wanted:
            said = answer.body.decode("utf-8", "replace")[:300] if answer.body else ""
            raise CheckError(f"{method} {path} was answered with {answer.code} {answer.reason}: {said}")
        return json.loads(answer.body) if answer.body and answer.code != 404 else None

    async def sign_in(self) -> str:
        """The sign-in page leads to the provider that the configuration names."""
        wanted = authenticator(**self.expect["signIn"])
        page = await self.fetch("/hub/login")
        if not hasattr(wanted, "authorize_url"):
            return await self.password_form(page)
        start = wanted.login_url("/hub/")
        if type(wanted).__name__.startswith("LTI13"):
            launch = {"iss": wanted.issuer, "login_hint": USER, "target_link_uri": self.url}
            launch["client_id"] = next(iter(wanted.client_id), "")
            answer = await self.fetch(start, "POST", body=urlencode(launch))
        else:
            if start not in unescape((page.body or b"").decode()) + page.headers.get("Location", ""):
                raise CheckError(f"the sign-in page /hub/login has no way to {start}: it was answered with {page.code}")
            answer = await self.fetch(start)
        to = urlsplit(answer.headers.get("Location", ""))
        where = f"{to.scheme}://{to.netloc}{to.path}"
        if where != wanted.authorize_url.partition("?")[0]:
            raise CheckError(
                f"{start} was answered with {answer.code} and leads to {where if to.netloc else 'no provider'}, "
                f"but hub.config of {type(wanted).__name__} says {wanted.authorize_url}"
            )
        query = parse_qs(to.query)
        client = query.get("client_id", [""])[0]
        known = [wanted.client_id] if isinstance(wanted.client_id, str) else wanted.client_id
        if client not in known:
            raise CheckError(f"{where} is asked for client_id {client!r}; hub.config says {', '.join(known)}")
        callback = getattr(wanted, "oauth_callback_url", "")
        back = query.get("redirect_uri", [""])[0]
        if callback and back != callback:
            raise CheckError(f"{where} would send people back to {back}; hub.config says {callback}")
        return f"it leads to {where}"

    async def password_form(self, page: HTTPResponse) -> str:
        """The sign-in page asks for a password, and a wrong one does not get in."""
        if page.code != 200 or b'name="password"' not in page.body:
            raise CheckError(f"the sign-in page /hub/login asks for no password: it was answered with {page.code}")
        jar = SimpleCookie()
        for cookie in page.headers.get_list("Set-Cookie"):
            jar.load(cookie)
        form = {"username": USER, "password": secrets.token_hex(16), "_xsrf": jar["_xsrf"].value}
        sent = {"Cookie": "; ".join(f"{key}={item.value}" for key, item in jar.items())}
        answer = await self.fetch("/hub/login", "POST", body=urlencode(form), headers=sent)
        if answer.code != 403:
            raise CheckError(f"/hub/login lets a wrong password in: it was answered with {answer.code}, not 403")
        return "it asks for a password and refuses a wrong one"

    async def spawn(self) -> str:
        """A server starts."""
        await self.call("POST", f"/hub/api/users/{USER}", (201, 409))
        try:
            await self.call("POST", f"/hub/api/users/{USER}/server", (201, 202), {})
        except CheckError as error:
            raise CheckError(f"the server does not start: {error}") from None
        events: list[dict] = []
        rest = b""

        def read(chunk: bytes) -> None:
            nonlocal rest
            *lines, rest = (rest + chunk).split(b"\n")
            events.extend(json.loads(line[5:]) for line in lines if line.startswith(b"data:"))

        limit = self.expect.get("startTimeout", 300) + 30
        path = f"/hub/api/users/{USER}/server/progress"
        late = ""
        try:
            await self.call("GET", path, (200,), streaming_callback=read, request_timeout=limit)
        except CheckError as failure:
            late = str(failure)
        if not events or not events[-1].get("ready"):
            said = " | ".join(event["message"] for event in events[-4:]) or late
            raise CheckError(f"the server does not start: {said or 'the hub says nothing'}")
        return "the server is up"

    async def connect(self) -> str:
        """A kernel starts in the server and computes."""
        kernel = await self.call("POST", f"/user/{USER}/api/kernels", (201,), {}, request_timeout=CELL)
        address = f"{self.url.replace('http', 'ws', 1)}/user/{USER}/api/kernels/{kernel['id']}/channels"
        try:
            self.socket = await websocket_connect(HTTPRequest(address, headers=self.headers, connect_timeout=30))
        except Exception as error:
            raise CheckError(f"the kernel's websocket {address} does not open: {error}") from None
        if (found := await self.python("print(json.dumps(6 * 7))")) != 42:
            raise CheckError(f"a cell says that 6 * 7 is {found}")
        return f"{kernel['name']} computes"

    async def python(self, code: str):
        """What the code prints, which is JSON, in the student's kernel."""
        header = {"msg_id": secrets.token_hex(16), "msg_type": "execute_request", "session": USER, "version": "5.3"}
        header |= {"username": USER, "date": ""}
        content = {"code": f"import json\n{code}", "silent": False, "store_history": False, "user_expressions": {}}
        content |= {"allow_stdin": False, "stop_on_error": True}
        message = {"header": header, "parent_header": {}, "metadata": {}, "channel": "shell", "content": content}
        await self.socket.write_message(json.dumps(message | {"buffers": []}))
        printed, end = "", time.monotonic() + CELL
        while True:
            try:
                answer = await asyncio.wait_for(self.socket.read_message(), end - time.monotonic())
            except asyncio.TimeoutError:
                raise CheckError(f"a cell did not end within {CELL} seconds") from None
            if answer is None:
                raise CheckError("the kernel's websocket was closed")
            said = json.loads(answer)
            if said["parent_header"].get("msg_id") != header["msg_id"]:
                continue
            content = said["content"]
            if said["msg_type"] == "stream" and content["name"] == "stdout":
                printed += content["text"]
            elif said["msg_type"] == "error":
                raise CheckError(f"a cell failed, or is no Python: {content['ename']}: {content['evalue']}")
            elif said["msg_type"] == "status" and content["execution_state"] == "idle":
                return json.loads(printed)

    async def memory(self) -> str:
        """The kernel's memory limit is the configured one."""
        wanted = self.expect["memoryLimit"]
        found = await self.python(LIMIT)
        if found != str(size(wanted)):
            raise CheckError(f"the server's cgroup limits memory to {found} bytes, not to {wanted}, {size(wanted)}")
        return f"limited to {wanted}"

    async def imports(self) -> str:
        """The course's packages import."""
        names = self.expect["imports"]
        if wrong := await self.python(IMPORTS.format(names=names)):
            raise CheckError(f"robotStudent.imports: not in the image, or broken there: {'; '.join(wrong)}")
        return f"{', '.join(names) or 'no package expected'}"

    async def content(self) -> str:
        """The course's files are in the home."""
        names = self.expect["files"]
        end = time.monotonic() + self.expect.get("contentTimeout", CONTENT)
        while missing := await self.python(MISSING.format(names=names)):
            if time.monotonic() > end:
                raise CheckError(f"robotStudent.files: not in the home, or empty: {', '.join(missing)}")
            await asyncio.sleep(2)
        return f"{', '.join(names) or 'no file expected'}"

    async def metadata(self) -> str:
        """The cloud's metadata, which hands out the node's credentials, is out of reach."""
        address = self.expect["metadata"]
        if await self.python(OPEN.format(host=address, port=80)):
            raise CheckError(
                f"a student's server reaches the cloud's metadata at {address}: "
                "see jupyterhub.singleuser.cloudMetadata and networkPolicy"
            )
        return f"{address} is out of reach"

    async def kubernetes(self) -> str:
        """There is no credential for the Kubernetes API."""
        if found := await self.python(CREDENTIALS):
            raise CheckError(
                f"a student's server has a credential for the Kubernetes API, {', '.join(found)}: "
                "leave jupyterhub.singleuser.serviceAccountName empty"
            )
        return "no credential"

    async def network(self) -> str:
        """The cluster enforces the network policies: the proxy's API must be out of a student's reach."""
        service = self.expect["forbidden"]
        try:
            host = socket.gethostbyname(service["host"])
        except OSError as error:
            raise CheckError(f"the service {service['host']} has no address: {error}") from None
        if await self.python(OPEN.format(host=host, port=service["port"])):
            raise CheckError(
                f"a student's server reaches {service['host']}:{service['port']}, which the chart's network policy "
                "forbids: this cluster does not enforce NetworkPolicy; see docs/cluster.md"
            )
        return f"{service['host']} is out of reach, as the policy says"

    async def restart(self) -> str:
        """A file in the home survives a restart of the server."""
        mark = secrets.token_hex(16)
        home = await self.python(WRITE.format(mark=mark))
        await self.stop()
        await self.spawn()
        await self.connect()
        if (found := await self.python(READ)) != mark:
            raise CheckError(f"a file written to {home} is {'gone' if found is None else 'another'} after a restart")
        return f"a file in {home} is still there"

    async def stop(self) -> None:
        """Stop the server, if there is one, and wait until it is gone."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None
        end = time.monotonic() + STOP
        while (user := await self.call("GET", f"/hub/api/users/{USER}", (200, 404))) and user["servers"]:
            if time.monotonic() > end:
                raise CheckError(f"the server of {USER} does not stop within {STOP} seconds")
            # 400: it is starting, or being stopped already.
            await self.call("DELETE", f"/hub/api/users/{USER}/server", (202, 204, 400, 404))
            await asyncio.sleep(1)

    async def leave(self) -> str:
        """Stop the server and delete the user, and with it its volume."""
        await self.stop()
        await self.call("DELETE", f"/hub/api/users/{USER}", (204, 404))
        return "server, user and volume are gone"


async def run(robot: Robot, without: set[str]) -> bool:
    """Make the checks, clean up in any case, and print a line for each. Whether all went well."""
    failed: list[str] = []
    start = time.monotonic()

    async def check(name: str, does: Callable[[], Awaitable[str]]) -> bool:
        begun = time.monotonic()
        try:
            word, sentence = "ok", await does()
        except CheckError as failure:
            word, sentence = "FAILED", str(failure)
            failed.append(name)
        except Exception as error:
            word, sentence = "FAILED", f"the robot itself stumbled: {type(error).__name__}: {error}"
            failed.append(name)
        print(f"{word:6} {time.monotonic() - begun:6.1f} s  {name}: {sentence}", flush=True)
        return word == "ok"

    rest = {
        "memory": robot.memory,
        "imports": robot.imports,
        "content": robot.content,
        "metadata": robot.metadata,
        "kubernetes": robot.kubernetes,
        "network": robot.network,
        "restart": robot.restart,
    }
    try:
        await check("sign-in", robot.sign_in)
        # An earlier robot may have been killed before it could clean up.
        if await check("hub", robot.leave) and await check("spawn", robot.spawn) and await check("cell", robot.connect):
            for name, does in rest.items():
                if name not in without:
                    await check(name, does)
        else:
            print(f"not run, for want of a server: {', '.join(name for name in rest if name not in without)}")
    finally:
        await check("clean-up", robot.leave)
    took = f"in {time.monotonic() - start:.0f} s"
    print(f"robot student: FAILED {took}: {', '.join(failed)}" if failed else f"robot student: all is well {took}")
    return not failed


async def main() -> bool:
    """Run until the end, or clean up and go when Kubernetes says so."""
    robot = Robot(json.loads(os.environ["EXPECT"]), os.environ["JUPYTERHUB_API_TOKEN"])
    task = asyncio.ensure_future(run(robot, set(sys.argv[1:])))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        print("robot student: FAILED: it was stopped before its end")
        return False


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(main()) else 1)
