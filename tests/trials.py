"""`make try` of a generated repository as a process of a test, and people who sign in to it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hubs
import requests

COMMAND = [sys.executable, "-m", "deployer", "try-hub"]


class Running:
    """A trial, its output so far, and how it is reached."""

    def __init__(self, repository: Path, process: subprocess.Popen, log: Path) -> None:
        self.repository, self.process, self.log = repository, process, log
        self.folder = repository / ".try"

    @property
    def printed(self) -> str:
        """Its output so far."""
        return self.log.read_text(encoding="utf-8")

    @property
    def link(self) -> str:
        """The link that it prints, without the slash at its end."""
        found = re.search(r"on this machine: (\S+)", self.printed)
        return found[1].rstrip("/") if found else ""

    @property
    def password(self) -> str:
        """The password of the stand-in."""
        return json.loads((self.folder / "secrets.json").read_text(encoding="utf-8"))["password"]

    def wait(self, seconds: float = 120) -> None:
        """Wait until it is ready."""
        end = time.monotonic() + seconds
        while not self.link or "Ctrl-C stops it" not in self.printed:
            assert self.process.poll() is None and time.monotonic() < end, self.printed
            time.sleep(0.1)

    def stop(self) -> int:
        """Press Ctrl-C. The exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def list_processes(self) -> list[str]:
        """The processes that belong to it, by their environment: the command, hub, proxy, servers and kernels."""
        shown = subprocess.run(["ps", "axeww", "-o", "pid=,stat=,command="], capture_output=True, text=True).stdout
        found = [line.split(maxsplit=2) for line in shown.splitlines() if str(self.repository) in line]
        return [f"{pid} {command}" for pid, state, command in found if state[0] != "Z" and int(pid) != os.getpid()]

    def list_pids(self) -> list[int]:
        """The process ids of these."""
        return [int(line.split()[0]) for line in self.list_processes()]

    def find_program(self, name: str) -> int:
        """The process id of the hub or the proxy."""
        return int(next((self.folder / "run").glob(f"{name}-*")).name.partition("-")[2])

    def read_passwords(self) -> tuple[str, str]:
        """The passwords that it prints: the students' and the course staff's."""
        staff, students = re.findall(r"password (\S+)", self.printed)
        return students, staff

    def start_server(self) -> None:
        """Start the server of a student who signs in with the shared password, with a kernel in it."""
        browser = hubs.Browser(self.link)
        assert browser.sign_in("ada", self.read_passwords()[0]) == 302
        token = browser.api("POST", "/users/ada/tokens").json()["token"]
        user = f"{self.link}/hub/api/users/ada"
        with requests.Session() as session:
            session.headers["Authorization"] = f"token {token}"
            assert session.post(f"{user}/server").ok
            assert '"ready": true' in session.get(f"{user}/server/progress").text
            assert session.post(f"{self.link}/user/ada/api/kernels").ok

    def choose(self, name: str, member: bool, password: str = "") -> int:
        """Choose a person on the page of the stand-in. The hub's status: 302 lets in."""
        browser = hubs.Browser(self.link)
        browser.sign_in_page()
        page, query = self.open_provider(browser)
        form = {"person": "other:", "other": name, "password": password or self.password, **query}
        form |= {"member": "yes"} if member else {}
        answer = browser.post(page, data={**form, "_xsrf": browser.cookies["_xsrf"]})
        while answer.status_code == 302:
            path = self.strip(answer.headers["Location"])
            answer = browser.get(path)
            if path.startswith("/hub/oauth_callback"):
                return answer.status_code
        if "id_token" in answer.text:
            fields = dict(re.findall(r'name="(id_token|state)" value="([^"]*)"', answer.text))
            return browser.post("/hub/lti13/oauth_callback", data=fields).status_code
        return answer.status_code

    def open_provider(self, browser: hubs.Browser) -> tuple[str, dict[str, str]]:
        """Go to the page of the stand-in. Its path, and what it has to give back."""
        if "/hub/trial/provider" not in browser.sign_in_page():
            where, query = browser.button()
            return self.strip(where), {key: query[key] for key in ("state", "redirect_uri")}
        return "/hub/trial/provider", {}

    def strip(self, url: str) -> str:
        """The path of an address of this hub."""
        return url.removeprefix(self.link)


@contextmanager
def starting(repository: Path, *options: str, **environ: str) -> Iterator[Running]:
    """A trial that starts, without waiting for it. It is stopped at the end."""
    log = repository / "trial.log"
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            [*COMMAND, "--no-browser", *options],
            cwd=repository,
            env={**os.environ, **environ},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    trial = Running(repository, process, log)
    try:
        yield trial
    finally:
        trial.stop()


@contextmanager
def running(repository: Path, *options: str, **environ: str) -> Iterator[Running]:
    """A trial that is ready, on a port that is free."""
    with starting(repository, "--port", str(hubs.free_port()), *options, **environ) as trial:
        trial.wait()
        yield trial


def commit(folder: Path) -> None:
    """Make a folder a repository of git, with all that is in it."""
    author = ["-c", "user.name=course", "-c", "user.email=course@example.edu"]
    for command in (["init", "--quiet", "--initial-branch=main"], ["add", "--all"], ["commit", "--quiet", "-m", "All"]):
        subprocess.run(["git", *author, *command], cwd=folder, check=True)
