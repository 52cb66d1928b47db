"""A teaching assistant's commands: the hub's API in a real JupyterHub, and the sentences about a pod's trouble."""

import importlib
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import hubs
import pytest
import yaml
from sign_ins import passwords, read_fakes, rendered

from repositories import TEMPLATE, change_values

# Servers of this machine in place of pods.
LOCAL = """
import sys
c.SimpleLocalProcessSpawner.home_dir_template = "{folder}/{{username}}"
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root"]
c.Spawner.environment = {{"JUPYTERHUB_SINGLEUSER_APP": "jupyter_server.serverapp.ServerApp"}}
"""
BY_HAND = {"announcement": "The exam is on <b>Friday</b>.", "announcement_login": "Use your campus account."}


@pytest.fixture(scope="module")
def package() -> SimpleNamespace:
    """Modules of the package `deployer`, which has the same bytes for all answers."""
    sys.path.insert(0, str(TEMPLATE / "<<cookiecutter.hub_name>>"))
    names = "cluster.hub_api", "cluster.reasons", "cluster.servers", "commands.announce", "commands.restart_server"
    found = {name.split(".")[1]: importlib.import_module(f"deployer.{name}") for name in (*names, "commands.student")}
    sys.path.pop(0)
    return SimpleNamespace(**found, errors=importlib.import_module("deployer.errors"))


@pytest.fixture(scope="module")
def hub(bake, chart: Path, package: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory):
    """A hub with two texts that somebody has set by hand, as the service `operator` sees it."""
    folder = tmp_path_factory.mktemp("students")
    repository = Path(shutil.copytree(bake(), folder / "repository"))
    hub = {"extraConfig": {"local": LOCAL.format(folder=folder)}, "templateVars": BY_HAND}
    change_values(repository / "config" / "hub.yaml", {"jupyterhub": {"hub": hub}})
    token = read_fakes(repository)["services"]["operator"]["apiToken"]
    with hubs.running(rendered(repository), folder / "hub") as address:
        browser = hubs.Browser(address)
        assert browser.sign_in("ada", passwords(repository)[0]) == 302
        yield SimpleNamespace(api=package.hub_api.Hub(f"{address}/hub", token), ada=browser, address=address)


def read_pages(hub: SimpleNamespace) -> list[str]:
    """The announcements of the sign-in page, and of a page of somebody who is signed in."""
    pages = hubs.Browser(hub.address).sign_in_page(), hub.ada.get("/hub/home").text
    return [found[1] if (found := re.search(r"announcement alert[^>]*>(.*?)</div>", page)) else "" for page in pages]


def test_an_announcement_is_on_every_page_at_once(hub) -> None:
    login, home = BY_HAND["announcement_login"], BY_HAND["announcement"]
    assert read_pages(hub) == [login, home] and hub.api.read_announcement() == {}
    assert not hub.api.shows_announcement()
    hub.api.write_announcement({"text": "Back at 5 <i>pm</i>"})
    hub.api.write_announcement({"text": "Back at 6 <i>pm</i>: https://status.example.edu"})
    assert hub.api.shows_announcement()
    for page, by_hand in zip(read_pages(hub), (login, home), strict=True):
        assert page.startswith(f"{by_hand}<br>") and "Back at 6 &lt;i&gt;pm&lt;/i&gt;" in page and "at 5" not in page
        assert '<a href="https://status.example.edu" rel="noopener">' in page
    for _ in range(2):
        hub.api.write_announcement({})
        assert read_pages(hub) == [login, home]


def test_an_announcement_disappears_when_it_ends(hub) -> None:
    end = datetime.now(timezone(timedelta(hours=9))) + timedelta(seconds=2)
    hub.api.write_announcement({"text": "Until soon", "until": end.isoformat()})
    assert all("Until soon" in page for page in read_pages(hub))
    time.sleep(2)
    assert not any("Until soon" in page for page in read_pages(hub)) and not hub.api.shows_announcement()
    # What somebody writes on the admin page is not checked, and must not break the pages.
    for until in "tomorrow", 7, "2200-01-01":
        hub.api.write_announcement({"text": "Still there", "until": until})
        assert all("Still there" in page for page in read_pages(hub))
    hub.api.write_announcement({})


def test_the_service_may_do_no_more_than_it_needs(hub, package) -> None:
    for method, path in [
        ("POST", "users/mallory"),
        ("DELETE", "users/ada"),
        ("PATCH", "users/ada"),
        ("POST", "users/ada/tokens"),
        ("GET", "users/ada/tokens"),
        ("POST", "groups/other"),
        ("PUT", "groups/other/properties"),
        ("GET", "proxy"),
        ("POST", "shutdown"),
    ]:
        with pytest.raises(package.errors.UserError, match=f"{method} {path}: 40[34]"):
            hub.api.request(method, path, {} if method in ("POST", "PUT", "PATCH") else None)
    assert hub.ada.get("/hub/api/users/ada").status_code == 200
    found = hub.api.read_user("ada")
    assert not {"auth_state", "roles", "scopes"} & {key for key, value in found.items() if value}
    with pytest.raises(package.errors.UserError, match=r"NAME: nobody called 'bob/\.\./ada' has signed in"):
        hub.api.read_user("bob/../ada")
    with pytest.raises(package.errors.UserError, match=r"nobody called 'Adda' has signed in\. .* Perhaps it is ada"):
        hub.api.read_user("Adda")
    assert package.hub_api.find_close("Emmy", ["ada", "emmy nöther", "eve"]) == ["emmy nöther"]


def test_a_server_starts_and_stops_by_the_api(hub, package) -> None:
    assert hub.api.list_users("active") == []
    with pytest.raises(package.errors.UserError, match=r"server of ada did not start\. The log of the hub"):
        package.restart_server.wait_for_start(hub.api, "ada", str)
    hub.api.start_server("ada")
    package.restart_server.wait_for_start(hub.api, "ada", str)
    [user] = hub.api.list_users("active")
    assert user["name"] == "ada" and user["servers"][""]["ready"] and user["servers"][""]["started"]
    assert package.student.describe_server(user).startswith("ada: server ready, last active ")
    hub.api.stop_server("ada")
    package.restart_server.wait_for_stop(hub.api, "ada")
    assert hub.api.list_users("active") == []


NOW = datetime(2027, 2, 1, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("until", "end"),
    [
        ("", None),
        ("2027-02-12 18:00", "2027-02-12T18:00:00+01:00"),
        ("2027-07-12", "2027-07-13T00:00:00+02:00"),
        ("2027-02-12 18:00+00:00", "2027-02-12T18:00:00+00:00"),
        ("tomorrow", "UNTIL: 'tomorrow' is not a time. Write it as '2027-02-12 18:00', or as 2027-02-12"),
        (
            "2027-02-01 12:30",
            "UNTIL: '2027-02-01 12:30' is over: it is 2027-02-01 13:00 in Europe/Berlin. Write a time to come",
        ),
    ],
)
def test_the_end_of_an_announcement_is_in_course_time(package, until: str, end: str | None) -> None:
    try:
        found = package.announce.parse_end(until, "Europe/Berlin", NOW)
    except package.errors.UserError as error:
        assert str(error) == end
    else:
        assert (found and found.isoformat()) == end


# A pod of KubeSpawner, as far as it is read.
POD = """
metadata: {name: jupyter-ada, annotations: {hub.jupyter.org/username: ada}}
spec:
  containers:
    - name: notebook
      image: quay.io/x/y:1
      resources: {limits: {memory: '2147483648'}}
      volumeMounts: [{name: volume-ada, mountPath: /home/jovyan}]
  volumes: [{name: volume-ada, persistentVolumeClaim: {claimName: claim-ada}}]
status: {phase: Pending}
"""
NO_NODE = "{conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable, message: '0/3 nodes: %s'}]}"
STATE = "{containerStatuses: [{name: notebook, image: quay.io/x/y:1, restartCount: 3, ready: false, %s}]}"
ENDED = "state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {reason: %s, exitCode: %d}}"
TROUBLES = {
    "an image": (
        STATE % "state: {waiting: {reason: ImagePullBackOff, message: Back-off pulling image}}",
        [("Failed", "Failed to pull image: not found"), ("Failed", "Error: ImagePullBackOff")],
        "ImagePullBackOff: the image cannot be pulled (Failed to pull image: not found). Correct",
    ),
    "no room": (NO_NODE % "3 Insufficient memory.", [], "No node has room for it (0/3 nodes: 3 Insufficient memory.)"),
    "a node is coming": (NO_NODE % "3 Insufficient memory.", [("TriggeredScaleUp", "")], "No node has room yet: "),
    "a volume elsewhere": (
        NO_NODE % "3 had volume node affinity conflict",
        [],
        "The volume of the home cannot be used",
    ),
    "no volume": (
        STATE % "started: false, state: {waiting: {reason: ContainerCreating}}",
        [("Scheduled", ""), ("FailedMount", "mount.nfs: access denied")],
        "The volume of the home is not there (mount.nfs: access denied).",
    ),
    "a volume at last": (
        STATE % "started: false, state: {waiting: {reason: ContainerCreating}}",
        [("FailedAttachVolume", "in use"), ("SuccessfulAttachVolume", ""), ("Pulling", "")],
        "",
    ),
    "no container": (
        STATE % "state: {waiting: {reason: CreateContainerConfigError, message: secret not found}}",
        [],
        "Kubernetes cannot create the container (CreateContainerConfigError: secret not found)",
    ),
    "a full home": (
        STATE % (ENDED % ("Error", 1)),
        [],
        "The home is full, so the server cannot start. docs/students.md",
    ),
    "an evicted pod": (
        "{phase: Failed, reason: Evicted, message: The node was low on resource}",
        [],
        "Kubernetes ended the server (Evicted: The node was low on resource). `make restart-server ENV=… NAME=…`",
    ),
    "memory": (STATE % (ENDED % ("OOMKilled", 137)), [], "The server exceeded its memory limit and was killed."),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_a_sentence_says_why_a_server_does_not_start(package, name: str) -> None:
    status, events, expected = TROUBLES[name]
    pod = yaml.safe_load(POD) | {"status": {"phase": "Pending", **yaml.safe_load(status)}}
    listed = [{"reason": reason, "message": message} for reason, message in events]
    log = "OSError: [Errno 28] No space left on device: '/home/jovyan/.local/share/jupyter/runtime'"
    found = package.reasons.explain_pod(pod, None, listed, log)
    assert found.startswith(expected) and bool(found) == bool(expected)
    # The pod is gone, and its events are left.
    if events and expected and "coming" not in name:
        assert package.reasons.explain_events(listed).startswith(expected.split("(")[0])


def test_a_server_that_works_has_no_trouble_until_its_home_is_full(package) -> None:
    pod = yaml.safe_load(POD)
    pod["status"] = yaml.safe_load(STATE % "started: true, state: {running: {}}") | {"phase": "Running"}
    pod["status"]["containerStatuses"][0]["ready"] = True
    usage = package.servers.parse_usage(CGROUP_2)
    assert usage == package.servers.Usage(memory=100 << 20, home=4 << 30, home_size=10 << 30)
    assert package.reasons.explain_pod(pod, usage, [], "") == ""
    assert package.student.list_usage_lines(pod, usage, usage.memory) == [
        "memory   100M of 2G (5 %)",
        "home     4G of 10G (40 %)",
    ]
    full = package.servers.parse_usage(CGROUP_1)
    assert full.memory == 50 << 20
    assert "The home is full (100 %), so files are not saved" in package.reasons.explain_pod(pod, full, [], "")
    assert package.servers.parse_usage("sh: df: not found") is None


def test_a_home_without_a_limit_of_its_own_shows_what_its_files_use(package, tmp_path: Path) -> None:
    """A volume that is a folder of the node has the node's whole disk as its size."""
    servers, pod = package.servers, yaml.safe_load(POD)
    usage = servers.parse_usage(CGROUP_1)
    assert servers.has_own_limit(usage, pod, 10 << 30) and servers.has_own_limit(usage, pod, 0)
    assert not servers.has_own_limit(usage, pod, 1 << 30)
    (tmp_path / "file").write_bytes(b"x" * (64 << 10))
    counted = subprocess.run(["sh", "-c", servers.COUNT, "sh", tmp_path], capture_output=True, text=True, check=True)
    assert 64 <= int(counted.stdout.split()[0]) < 128
    whole = "its volume has no limit of its own, and of the disk that it shares 10G of 10G (100 %) are in use"
    for files, said in (3 << 20, "3.0 MiB"), (None, "not known how much: counting its files takes too long"):
        unlimited = replace(usage, has_limit=False, files=files)
        assert package.student.list_usage_lines(pod, unlimited, 0)[1] == f"home     {said}; {whole}"
    said = package.reasons.explain_pod(pod, unlimited, [], "")
    assert said.startswith("The disk with the homes is full (100 %), so nobody's files are saved.")
    # A share of NFS, in which each home is a folder.
    pod["spec"]["containers"][0]["volumeMounts"][0]["subPath"] = "homes/ada"
    assert not servers.has_own_limit(usage, pod, 10 << 30)


ABSENT = {
    "is paused": (["Paused"], "hub-prod has been paused since 2027-08-01, by ada. `make resume ENV=prod` wakes it"),
    "was never deployed": (["(NotFound)"], "hub-prod: nothing is deployed. `make deploy ENV=prod` does it"),
    "cannot start": (
        [STATE % "state: {waiting: {reason: ErrImagePull, message: not found}}"],
        "hub-prod: its hub does not start (ImagePullBackOff: quay.io/x/y:1: not found). `make status ENV=prod`",
    ),
    "starts": (["{}"], "hub-prod: its hub is not ready yet. Try again in a minute; `make status ENV=prod`"),
    "is there": ([STATE.replace("false", "true") % "state: {running: {}}"], ""),
}


@pytest.mark.parametrize("name", ABSENT)
def test_a_hub_that_does_not_answer_gets_a_sentence(package, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What kubectl would answer is written here: tests/e2e/ has a hub that is paused, and one that is not deployed."""
    (state,), said = ABSENT[name]
    presence = package.hub_api.presence
    pause = {"since": "2027-08-01", "by": "ada"} if state == "Paused" else {}
    pods = [{"status": yaml.safe_load(state), "spec": {}}] if state.startswith("{") else []
    answer = SimpleNamespace(returncode=int(state == "(NotFound)"), stderr=state)
    monkeypatch.setattr(presence.chart, "name_release", lambda env: f"hub-{env}")
    monkeypatch.setattr(presence.kubectl, "run_kubectl", lambda *_: answer)
    monkeypatch.setattr(presence.pause, "read_pause", lambda _: pause)
    monkeypatch.setattr(presence.kubectl, "list_objects", lambda *_: pods)
    found = presence.explain_absence("prod")
    assert found.startswith(said) and bool(found) == bool(said)


# What two kinds of nodes print: control groups of version 2, and of version 1 with a name that df breaks no line for.
CGROUP_2 = f"""{120 << 20}
inactive_file {20 << 20}
/dev/sdb        {10 << 20} {4 << 20} {6 << 20}      40% /home/jovyan
"""
CGROUP_1 = f"""{60 << 20}
inactive_file 0
total_inactive_file {10 << 20}
10.0.0.1:/homes/prod/homes/ada {10 << 20} {10 << 20} 0 100% /home/jovyan
"""


def test_memory_of_all_servers_is_read_from_the_metrics_api(package) -> None:
    usage = [
        {"name": "notebook", "usage": {"cpu": "3m", "memory": "204800Ki"}},
        {"name": "x", "usage": {"memory": "1Mi"}},
    ]
    found = {"items": [{"metadata": {"name": "jupyter-ada"}, "containers": usage}]}
    assert package.servers.parse_metrics(found) == {"jupyter-ada": 201 << 20}
    assert package.servers.parse_metrics({}) == {}


def test_what_is_announced_is_printed_in_course_time(package, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    monkeypatch.setattr(package.announce.chart, "name_release", lambda env: f"hub-{env}")
    found = {"text": "Back soon", "until": "2027-07-12T16:00:00+00:00"}
    package.announce.print_announcement(SimpleNamespace(read_announcement=lambda: found), "prod", "Europe/Berlin")
    assert capsys.readouterr().out == "hub-prod, until Mon 2027-07-12 18:00 CEST:\nBack soon\n"
