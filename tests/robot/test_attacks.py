"""Attacks on the robot student, against a real JupyterHub on this machine: on its name, its home and its role."""

import json
from pathlib import Path

import hubs
import requests
from robot_hubs import AS_ROBOT, GOOD, ROBOT


def test_a_student_cannot_take_the_name_and_block_the_robot(hub, visit) -> None:
    """The attack: sign in under the name, start its server, and keep it busy while a deploy sends the robot."""
    address = hub(GOOD)
    for name in ROBOT, ROBOT.upper(), f" {ROBOT} ":
        student = hubs.Browser(address)
        assert student.sign_in(name, "a password of this test") == 403, name
        assert student.api("POST", f"/users/{ROBOT}/server", json={}).status_code == 403
    assert hubs.Browser(address).sign_in("ada", "a password of this test") == 302
    assert requests.get(f"{address}/hub/api/users/{ROBOT}", headers=AS_ROBOT, timeout=10).status_code == 404
    status, failed, said = visit(GOOD)
    assert (status, failed) == (0, []), said


# A file of the home that Jupyter Server runs at its start. It keeps each token that a request brings, and tries it.
PLANTED = """
import json, os, threading, urllib.request
from tornado.web import RequestHandler

def tried(token, method, path, body=None):
    headers = {{"Authorization": token, "Content-Type": "application/json"}}
    request = urllib.request.Request("{address}/hub/api" + path, body, headers, method=method)
    try:
        return urllib.request.urlopen(request, timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code

def attack(token):
    statuses = [tried(token, *call) for call in {calls!r}]
    with open({log!r}, "a") as log:
        log.write(json.dumps([token, statuses]) + "\\n")

seen = set()
execute = RequestHandler._execute
def keep(self, *arguments, **options):
    token = self.request.headers.get("Authorization")
    if token and token not in seen:
        seen.add(token)
        threading.Thread(target=attack, args=[token]).start()
    return execute(self, *arguments, **options)
RequestHandler._execute = keep
"""
CALLS = [
    ("GET", "/users"),
    ("POST", "/users/mallory"),
    ("PATCH", f"/users/{ROBOT}", b'{"name": "hopper"}'),
    ("DELETE", f"/users/{ROBOT}"),
    ("POST", f"/users/{ROBOT}/tokens", b"{}"),
    ("POST", f"/users/{ROBOT}/server", b"{}"),
    ("DELETE", f"/users/{ROBOT}/server"),
]


def test_a_file_planted_in_the_home_gets_no_token_of_worth(hub, visit, tmp_path: Path) -> None:
    """The attack: a home on a share, with a file from the time when the name was free, or from the course's files."""
    config = GOOD + (
        "def plant(spawner):\n"
        "    course(spawner)\n"
        "    folder = Path(spawner.home_dir) / '.jupyter'\n"
        "    folder.mkdir(exist_ok=True)\n"
        f"    (folder / 'jupyter_server_config.py').write_text(Path({str(tmp_path / 'planted')!r}).read_text())\n"
        "c.Spawner.pre_spawn_hook = plant\n"
    )
    address, log = hub(config), tmp_path / "log"
    (tmp_path / "planted").write_text(PLANTED.format(address=address, calls=CALLS, log=str(log)))
    status, failed, said = visit(config)
    assert (status, failed) == (0, []), said
    stolen = dict(json.loads(line) for line in log.read_text().splitlines())
    assert stolen, "the planted file did not run"
    for token, statuses in stolen.items():
        assert token != AS_ROBOT["Authorization"], "the token of the service was sent to the server"
        assert set(statuses) <= {403, 404}, statuses
        # The run is over, and the token with it.
        user = requests.get(f"{address}/hub/api/user", headers={"Authorization": token}, timeout=10)
        assert user.status_code == 403


def test_the_role_opens_its_own_user_alone(hub) -> None:
    address = hub(GOOD)
    assert hubs.Browser(address).sign_in("ada", "a password of this test") == 302

    def ask(method: str, path: str, body: dict | None = None) -> int:
        return requests.request(method, f"{address}/hub/api{path}", headers=AS_ROBOT, json=body, timeout=30).status_code

    assert ask("POST", f"/users/{ROBOT}") == 201
    try:
        assert ask("PATCH", f"/users/{ROBOT}", {"name": "hopper"}) == 403
        assert ask("PATCH", f"/users/{ROBOT}", {"admin": True}) == 403
        for method, path, body in [
            ("POST", "/users/mallory", None),
            ("DELETE", "/users/ada", None),
            ("PATCH", "/users/ada", {"name": "eve"}),
            ("PATCH", "/users/ada", {"name": ROBOT}),
            ("POST", "/users/ada/server", {}),
            ("POST", "/users/ada/tokens", {}),
            ("GET", "/groups", None),
            ("GET", "/proxy", None),
            ("POST", "/shutdown", {}),
        ]:
            assert ask(method, path, body) in (403, 404), path
        assert requests.get(f"{address}/user/{ROBOT}/api", headers=AS_ROBOT, timeout=10).status_code != 200
        listed = requests.get(f"{address}/hub/api/users", headers=AS_ROBOT, timeout=10).json()
        assert [user["name"] for user in listed] == [ROBOT]
    finally:
        assert ask("DELETE", f"/users/{ROBOT}") == 204
