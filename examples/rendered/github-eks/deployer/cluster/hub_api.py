"""The hub's API, reached through a port that kubectl forwards, with the token of the service `operator`.

The role `operator` in chart/values.yaml may list users, start and stop servers, and write the announcement. The Secret
`operator` has the token. Nothing runs inside the hub's pod.
"""

import base64
import difflib
import json
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from deployer import chart, values
from deployer.cluster import kubectl, presence
from deployer.errors import UserError
from deployer.paths import ROOT
from deployer.process import find_tool
from deployer.yaml_files import find_value

SECRET = "operator"  # noqa: S105 - the name of an object
# Seconds for an answer, and for a hub that is starting.
ANSWER, START = 60, 10
# With this type, a page of the list of users says where the next one begins.
PAGINATED = "application/jupyterhub-pagination+json"
# The group whose properties are the announcement, and the mark of its text: templates/announcement.py of the template.
GROUP, SHOWN = "announcement", 'class="course-announcement"'
# A proxy of the person's network cannot reach a port of this machine.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NotFoundError(UserError):
    """The hub does not know what was asked for."""


class SilentError(UserError):
    """The hub does not answer."""


@dataclass(frozen=True)
class Hub:
    """The API of a running hub: the hub's address on this machine, which ends with /hub, and the service's token."""

    address: str
    token: str

    def request(self, method: str, path: str, body: object = None) -> Any:
        """Return what the API answers, parsed; None for an empty answer.

        Raises NotFoundError, SilentError, or UserError for anything else that the hub rejects.
        """
        request = urllib.request.Request(  # noqa: S310 - the address is a port of this machine
            f"{self.address}/api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}", "Accept": PAGINATED},
        )
        try:
            with OPENER.open(request, timeout=ANSWER) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            reason = f"the hub's API, {method} {path}: {error.code} {read_reason(error)}"
            raise (NotFoundError if error.code == 404 else UserError)(reason) from error
        except OSError as error:
            raise SilentError(f"the hub does not answer ({error})") from error
        return json.loads(text) if text else None

    def read_user(self, name: str) -> dict[str, Any]:
        """Return a user as the API describes it. Raises UserError where nobody of this name has signed in."""
        try:
            found: dict[str, Any] = self.request("GET", f"users/{quote(name)}")
        except NotFoundError as error:
            close = find_close(name, [str(user["name"]) for user in self.list_users()])
            hint = f"Perhaps it is {' or '.join(close)}" if close else "The hub's admin page lists all users"
            raise UserError(
                f"NAME: nobody called '{name}' has signed in. Write the name as the hub does. {hint}"
            ) from error
        return found

    def list_users(self, state: str = "") -> list[dict[str, Any]]:
        """Return the users; with the state `active`, those who have a server."""
        found: list[dict[str, Any]] = []
        following: dict[str, Any] | None = {"offset": 0}
        while following:
            page = self.request("GET", f"users?offset={following['offset']}{f'&state={state}' if state else ''}")
            found += page["items"]
            following = page["_pagination"]["next"]
        return found

    def stop_server(self, name: str) -> None:
        """Ask the hub to stop the server of a user."""
        self.request("DELETE", f"users/{quote(name)}/server")

    def start_server(self, name: str) -> None:
        """Ask the hub to start the server of a user, with the options of its last start."""
        self.request("POST", f"users/{quote(name)}/server")

    def read_announcement(self) -> dict[str, str]:
        """Return the announcement: `text` and perhaps `until`; empty where there is none."""
        try:
            found: dict[str, str] = self.request("GET", f"groups/{GROUP}")["properties"] or {}
        except NotFoundError:
            return {}
        return found

    def write_announcement(self, announcement: dict[str, str]) -> None:
        """Let the hub's pages show an announcement, in place of the one before. An empty mapping removes it."""
        if not announcement:
            with suppress(NotFoundError):
                self.request("DELETE", f"groups/{GROUP}")
            return
        try:
            self.request("GET", f"groups/{GROUP}")
        except NotFoundError:
            self.request("POST", f"groups/{GROUP}", {})
        self.request("PUT", f"groups/{GROUP}/properties", announcement)

    def shows_announcement(self) -> bool:
        """Return whether the hub's pages show it, looking at one that everybody sees, the page of an error."""
        try:
            with OPENER.open(f"{self.address}/error/503", timeout=ANSWER) as answer:
                return SHOWN in answer.read().decode()
        except urllib.error.HTTPError as error:
            return SHOWN in error.read().decode()
        except OSError as error:
            raise SilentError(f"the hub does not answer ({error})") from error


def find_close(name: str, names: list[str]) -> list[str]:
    """Return the names that are most like one that somebody has typed, perhaps with a capital, or a part of one."""
    close = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.7)
    return list(dict.fromkeys([*close, *(other for other in names if name.lower() in other)]))[:3]


def quote(name: str) -> str:
    """Return a name as a part of an address."""
    return urllib.parse.quote(name, safe="")


def read_reason(error: urllib.error.HTTPError) -> str:
    """Return the reason that the hub gives for an error."""
    try:
        return str(json.loads(error.read().decode())["message"])
    except (ValueError, KeyError, TypeError):
        return error.reason


def read_token(env: str) -> str:
    """Return the token of the service `operator`. Raises UserError where it cannot be had."""
    done = kubectl.run_kubectl(env, "get", "secret", SECRET, "--output=jsonpath={.data.token}")
    if "(NotFound)" in done.stderr:
        presence.require_hub(env)
        raise UserError(
            f"{chart.name_release(env)}: the Secret `{SECRET}` is missing, with which this command asks the hub. "
            f"Run `make deploy ENV={env}` once"
        )
    if "(Forbidden)" in done.stderr:
        raise UserError(
            f"{chart.name_release(env)}: your account in the cluster may not read the Secret `{SECRET}`. "
            "docs/students.md says what an administrator gives a teaching assistant"
        )
    if done.returncode:
        raise kubectl.explain_unreachable(done)
    return base64.b64decode(done.stdout).decode()


@contextmanager
def connect(env: str) -> Iterator[Hub]:
    """Yield the API of the hub of an environment. Raises UserError where it does not answer, with the reason."""
    token = read_token(env)
    base = str(find_value(values.read_values(env), "jupyterhub", "hub", "baseUrl") or "/").strip("/")
    try:
        with forward_port(env) as port:
            yield Hub("/".join(filter(None, [f"http://127.0.0.1:{port}", base, "hub"])), token)
    except SilentError as error:
        presence.require_hub(env)
        raise UserError(f"{error}. `make status ENV={env}` shows its pods") from error


@contextmanager
def forward_port(env: str) -> Iterator[str]:
    """Yield a port of this machine that leads to the hub. Raises SilentError where the hub does not run."""
    command = [find_tool("kubectl"), "--namespace", chart.name_release(env), "port-forward", "--address=127.0.0.1"]
    command += [f"--pod-running-timeout={START}s", "service/hub", ":8081"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            # For the type checker: both are pipes.
            assert process.stdout and process.stderr
            found = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
            if not found:
                reason = process.stderr.read().strip() or "kubectl gives no reason"
                raise SilentError(f"the hub of {env} does not run ({reason})")
            yield found[1]
        finally:
            process.terminate()
