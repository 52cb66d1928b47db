"""What the robot student needs of a hub: its API, the test user's server, and a kernel in that server."""

import asyncio
import json
import secrets
import time
from contextlib import suppress

from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.websocket import websocket_connect

# Seconds. A cell may import a large package from a cold disk.
CELL, STOP, ASK = 180, 120, 5
# The last of what a kernel says about a request.
IDLE = ("status", {"execution_state": "idle"})


class CheckError(Exception):
    """A check that failed, as a message for the log."""


def is_older(message: str, moment: str) -> bool:
    """Return whether the message of an event starts with a time before a moment: an earlier pod had the same name."""
    return message[:4].isdigit() and message[: len(moment)] < moment


class HubClient:
    """The test user of a hub: creates it, starts its server, runs code in it, and deletes it.

    The service's token goes to the hub alone. The server runs files of the home and of the course, which could keep the
    token that they are shown: they see one that opens this server, expires, and is deleted together with the user.
    """

    def __init__(self, expect: dict, token: str) -> None:
        self.url = expect["url"].rstrip("/")
        self.user = expect["user"]
        self.seconds = expect.get("seconds", 1800)
        self.start_timeout = expect.get("startTimeout", 300)
        self.service = {"Authorization": f"token {token}"}
        self.visitor: dict[str, str] = {}
        self.socket = None

    async def fetch(self, path: str, method: str = "GET", **options) -> HTTPResponse:
        """Return the hub's answer whatever its status, without following redirects."""
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

    async def call(self, method: str, path: str, expected: tuple[int, ...], body: dict | None = None, **options):
        """Return the JSON of an API call. Raise CheckError if its status is not an expected one."""
        text = None if body is None else json.dumps(body)
        answer = await self.fetch(path, method, body=text, headers=options.pop("headers", self.service), **options)
        if answer.code not in expected:
            said = answer.body.decode("utf-8", "replace")[:300] if answer.body else ""
            raise CheckError(f"{method} {path} was answered with {answer.code} {answer.reason}: {said}")
        return json.loads(answer.body) if answer.body and answer.code != 404 else None

    async def create_user(self) -> None:
        """Create the user if need be, with a token that is good for its server and nothing else."""
        await self.call("POST", f"/hub/api/users/{self.user}", (201, 409))
        if not self.visitor:
            wanted = {"note": "robot student", "expires_in": self.seconds}
            wanted["scopes"] = [f"access:servers!server={self.user}/"]
            token = await self.call("POST", f"/hub/api/users/{self.user}/tokens", (201,), wanted)
            self.visitor = {"Authorization": f"token {token['token']}"}

    async def start_server(self) -> None:
        """Start the server. Raise CheckError with the last events of the start if it does not come up."""
        await self.create_user()
        begun = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        try:
            await self.call("POST", f"/hub/api/users/{self.user}/server", (201, 202), {})
        except CheckError as error:
            raise CheckError(f"the server does not start: {error}") from None
        events: list[dict] = []
        rest = b""

        def read(chunk: bytes) -> None:
            nonlocal rest
            *lines, rest = (rest + chunk).split(b"\n")
            events.extend(json.loads(line[5:]) for line in lines if line.startswith(b"data:"))

        path = f"/hub/api/users/{self.user}/server/progress"
        late = ""
        try:
            await self.call("GET", path, (200,), streaming_callback=read, request_timeout=self.start_timeout + 30)
        except CheckError as failure:
            late = str(failure)
        if not events or not events[-1].get("ready"):
            said = [event["message"] for event in events if not is_older(event["message"], begun)]
            raise CheckError("\n         ".join(["the server does not start", *said[-8:], *filter(None, [late])]))

    async def open_kernel(self) -> str:
        """Start a kernel in the server and connect to it. Return the kernel's name."""
        path = f"/user/{self.user}/api/kernels"
        kernel = await self.call("POST", path, (201,), {}, request_timeout=CELL, headers=self.visitor)
        address = f"{self.url.replace('http', 'ws', 1)}{path}/{kernel['id']}/channels"
        try:
            self.socket = await websocket_connect(HTTPRequest(address, headers=self.visitor, connect_timeout=30))
        except Exception as error:
            raise CheckError(f"the kernel's websocket {address} does not open: {error}") from None
        await self.wait_for_kernel()
        return kernel["name"]

    async def send(self, kind: str, content: dict) -> str:
        """Send a message to the kernel and return its identifier."""
        header = {"msg_id": secrets.token_hex(16), "msg_type": kind, "session": self.user, "date": ""}
        header |= {"username": self.user, "version": "5.3"}
        message = {"header": header, "parent_header": {}, "metadata": {}, "channel": "shell", "content": content}
        await self.socket.write_message(json.dumps(message | {"buffers": []}))
        return header["msg_id"]

    async def read(self, identifiers: set[str], end: float) -> tuple[str, dict]:
        """Return the kind and content of the next answer to one of some messages. Raise TimeoutError at the end."""
        while True:
            answer = await asyncio.wait_for(self.socket.read_message(), end - time.monotonic())
            if answer is None:
                raise CheckError("the kernel's websocket was closed: the server or its kernel stopped")
            said = json.loads(answer)
            if said["parent_header"].get("msg_id") in identifiers:
                return said["msg_type"], said["content"]

    async def wait_for_kernel(self) -> None:
        """Wait until the kernel answers. Its messages are lost before the server has subscribed to them: ask again."""
        sent, end = set(), time.monotonic() + CELL
        while time.monotonic() < end:
            sent.add(await self.send("kernel_info_request", {}))
            ask_again = min(end, time.monotonic() + ASK)
            with suppress(asyncio.TimeoutError):
                while await self.read(sent, ask_again) != IDLE:
                    pass
                return
        raise CheckError(f"the kernel did not answer within {CELL} seconds")

    async def run_python(self, code: str):
        """Run code in the kernel and return what it prints, which is one JSON value."""
        content = {"code": f"import json\n{code}", "silent": False, "store_history": False, "user_expressions": {}}
        content |= {"allow_stdin": False, "stop_on_error": True}
        sent, printed, end = {await self.send("execute_request", content)}, "", time.monotonic() + CELL
        while True:
            try:
                kind, content = await self.read(sent, end)
            except asyncio.TimeoutError:
                raise CheckError(f"a cell did not end within {CELL} seconds") from None
            if kind == "stream" and content["name"] == "stdout":
                printed += content["text"]
            elif kind == "error":
                raise CheckError(f"a cell failed, or is not Python: {content['ename']}: {content['evalue']}")
            elif (kind, content) == IDLE:
                return json.loads(printed)

    async def stop_server(self) -> None:
        """Stop the server, if there is one, and wait until it is gone."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None
        end = time.monotonic() + STOP
        while (user := await self.call("GET", f"/hub/api/users/{self.user}", (200, 404))) and user["servers"]:
            if time.monotonic() > end:
                raise CheckError(f"the server of {self.user} does not stop within {STOP} seconds")
            # 400: it is starting, or is being stopped already.
            await self.call("DELETE", f"/hub/api/users/{self.user}/server", (202, 204, 400, 404))
            await asyncio.sleep(1)

    async def delete_user(self) -> None:
        """Stop the server and delete the user, and with it its token and its volume."""
        await self.stop_server()
        await self.call("DELETE", f"/hub/api/users/{self.user}", (204, 404))
        self.visitor = {}
