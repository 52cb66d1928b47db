"""The daily backup: what the chart makes of it, and the program that starts restic. tests/e2e/ runs both."""

import json
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace

import pytest
from test_pod_security import pods_of, violations

from repositories import TEMPLATE, objects, render

sys.path.insert(0, str(TEMPLATE / "<<cookiecutter.hub_name>>"))
sys.path.insert(0, str(TEMPLATE / "<<cookiecutter.hub_name>>" / "chart" / "files"))

import backup_homes
import snapshot_homes
from backup_homes import PARTLY, Task, run_tasks

from deployer.cluster import backup, kubectl
from deployer.cluster.snapshots import find_gap
from deployer.errors import UserError
from deployer.homes import snapshots

ON = ("--set", "backup.repository=s3:https://s3.example.edu/hub", "--set", "backup.at=04:05")


@pytest.mark.chart
@pytest.mark.parametrize(("storage", "shared"), [("per-student", ""), ("nfs", "shared")])
def test_the_chart_starts_a_backup_once_a_day(bake: Callable[..., Path], storage: str, shared: str) -> None:
    repository = bake(storage=storage, timezone="Europe/Berlin")
    assert not [item for item in objects(render(repository, "prod")) if item["metadata"]["name"] == "backup"]
    items = {
        item["kind"]: item for item in objects(render(repository, "prod", *ON)) if item["metadata"]["name"] == "backup"
    }
    cron = items["CronJob"]
    assert (cron["spec"]["schedule"], cron["spec"]["timeZone"]) == ("5 4 * * *", "Europe/Berlin")
    ((_, job),) = pods_of(cron)
    pod = json.loads(items["ConfigMap"]["data"]["pod.json"])
    assert [*violations(job), *violations(pod["spec"])] == []
    given = {item["name"]: item.get("value") for item in job["containers"][0]["env"]}
    assert given["SHARED_CLAIM"] == shared and given["KEEP_DAILY"] == "14"
    assert list(items["Secret"]["stringData"]) == ["RESTIC_PASSWORD"]
    assert "volumesnapshots" not in str(items["Role"])
    assert "@sha256:" in pod["spec"]["containers"][0]["image"]


@pytest.mark.chart
def test_snapshots_need_no_repository_and_few_rights(bake: Callable[..., Path]) -> None:
    """Without a repository, the job has no secret, and may not create a pod, with which it could read others."""
    found = objects(render(bake(), "prod", "--set", "backup.snapshotClass=csi-disk", "--set", "backup.at=04:05"))
    items = {item["kind"]: item for item in found if item["metadata"]["name"] == "backup"}
    assert "Secret" not in items and items["CronJob"]["spec"]["schedule"] == "5 4 * * *"
    assert items["Role"]["rules"] == [
        {"apiGroups": [""], "resources": ["persistentvolumeclaims"], "verbs": ["list"]},
        {
            "apiGroups": ["snapshot.storage.k8s.io"],
            "resources": ["volumesnapshots"],
            "verbs": ["list", "create", "delete"],
        },
    ]


def name_snapshot(claim: str, taken: str) -> dict:
    """A snapshot of a claim, named by the moment at which it was taken; one without was not."""
    status = {"creationTime": taken} if taken else {}
    return {
        "metadata": {"name": f"{claim}/{taken}", "annotations": {"hub.jupyter.org/username": claim}},
        "spec": {"source": {"persistentVolumeClaimName": claim}},
        "status": status,
    }


def test_the_last_snapshots_of_some_days_are_kept() -> None:
    """Days without one do not count, and a home that is gone loses its own by age."""
    days = ["2027-01-02T02:30:00Z", "2027-01-08T02:30:00Z", "2027-01-10T02:30:00Z", "2027-01-10T09:00:00Z"]
    found = [name_snapshot(claim, day) for claim in ("ada", "gone") for day in (*days, "")]
    now = datetime(2027, 1, 10, 12, tzinfo=timezone.utc)
    assert set(snapshot_homes.find_old(found, {"ada"}, 3, now)) == {
        *("ada/2027-01-10T02:30:00Z", "ada/", "gone/2027-01-10T02:30:00Z", "gone/"),
        "gone/2027-01-02T02:30:00Z",
    }
    assert "ada/2027-01-02T02:30:00Z" in snapshot_homes.find_old(found, {"ada"}, 2, now)


NO_DRIVER = "Failed to create snapshot content with error cannot find CSI PersistentVolumeSource"
MISSING = 'Failed to get snapshot class with error volumesnapshotclass.snapshot.storage.k8s.io "csi-disk" not found'


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ({"error": {"message": MISSING}}, MISSING),
        ({}, "no snapshot controller has answered in 0.05 s"),
        ({"error": {"message": f"{NO_DRIVER} for volume 7"}}, f"{NO_DRIVER} for volume 7"),
        # An error that may go by itself, and then the time is over.
        ({"error": {"message": "the API of the cloud is busy"}}, "the API of the cloud is busy"),
        ({"creationTime": "2027-01-10T02:30:00Z"}, ""),
    ],
)
def test_a_class_that_is_missing_does_not_delay_the_backup(
    status: dict, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the controller answers is written here: tests/e2e/ has one."""
    made: list[dict] = []

    def request(method: str, _: str, item: str, body: dict | None = None, **__: object) -> dict:
        if method == "POST" and body:
            made.append(body | {"status": status})
        return {"items": made}

    monkeypatch.setattr(snapshot_homes, "request", request)
    for name, seconds in ("POLL", 0.01), ("SILENCE", 0.05), ("LIMIT", 0.05 if "busy" in said else 60):
        monkeypatch.setattr(snapshot_homes, name, seconds)
    claims = [{"metadata": {"name": f"claim-{who}"}, "spec": {}} for who in ("ada", "grace", "eve")]
    start = time.monotonic()
    failures = snapshot_homes.run(claims, "csi-disk", 7)
    assert failures == ([f"NO snapshot of any home, with the class csi-disk: {said}"] if said else [])
    assert f"{0 if said else 3} of 3 homes have a new snapshot" in capsys.readouterr().out
    assert time.monotonic() - start < 10
    # Where the class cannot be used, one snapshot is asked for, and no other.
    assert len(made) == (1 if said == MISSING or said.startswith("no snapshot") else 3)


def test_the_backup_goes_on_without_snapshots(monkeypatch: pytest.MonkeyPatch) -> None:
    """The API server of a cluster that has none answers 404, and kubernetes_api.py then ends the program."""

    def reject(*_: object) -> dict:
        raise SystemExit("POST volumesnapshots: the API server answers 404: page not found")

    monkeypatch.setattr(snapshot_homes, "request", reject)
    claim = {"metadata": {"name": "claim-ada"}, "spec": {}}
    (said,) = snapshot_homes.run([claim], "csi-disk", 7)
    assert said.startswith("snapshots: POST volumesnapshots: the API server answers 404")


@pytest.mark.parametrize(
    ("source", "chosen"),
    [
        ("snapshot", "claim-ada/2027-01-10T12:00:00Z"),
        ("snapshot:2027-01-08", "claim-ada/2027-01-08T12:00:00Z"),
        ("snapshot:2027-01-09", "There are: 2027-01-08"),
    ],
)
def test_from_names_a_snapshot(monkeypatch: pytest.MonkeyPatch, source: str, chosen: str) -> None:
    found = [name_snapshot("claim-ada", f"2027-01-{day}T12:00:00Z") for day in ("08", "10")]
    found.append(name_snapshot("claim-grace", "2027-01-11T12:00:00Z"))
    monkeypatch.setattr(snapshots.snapshots.kubectl, "list_objects", lambda *_: found)
    monkeypatch.setattr(snapshots.listing, "is_shared", lambda _: False)
    if chosen.startswith("claim"):
        assert snapshots.choose("prod", "claim-ada", source)["metadata"]["name"] == chosen
    else:
        with pytest.raises(UserError, match=chosen):
            snapshots.choose("prod", "claim-ada", source)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((0, "csi.example"), ""),
        ((0, "other.example"), "csi-disk is for volumes of other.example, and the homes are volumes of csi.example"),
        ((0, ""), "is csi-disk; the cluster has no VolumeSnapshotClass. Name another class"),
        ((1, "the server doesn't have a resource type"), "the cluster has no VolumeSnapshots: its storage lacks them"),
        ((1, "Error from server (Forbidden)"), ""),
    ],
)
def test_a_missing_class_is_named(monkeypatch: pytest.MonkeyPatch, answer: tuple[int, str], said: str) -> None:
    """What kubectl would answer is written here: tests/e2e/ has a cluster with a class and one that is missing."""
    code, text = answer
    items = [{"metadata": {"name": "csi-disk"}, "driver": text}] if text else []
    done = SimpleNamespace(returncode=code, stdout=json.dumps({"items": items}), stderr=text if code else "")
    storage = {"metadata": {"name": "disk"}, "provisioner": "csi.example"}
    monkeypatch.setattr(kubectl, "run_kubectl", lambda *_: done)
    monkeypatch.setattr(kubectl, "list_objects", lambda *_: [storage])
    gap = find_gap("prod", "csi-disk", "disk")
    assert said in gap and bool(said) == bool(gap)


class Cluster:
    """The pods of a cluster: what a run of restic says, by its pod, one answer for each time that it is started."""

    def __init__(self, **ends: list[tuple[str, dict]]) -> None:
        self.ends, self.pods, self.most = ends, dict[str, dict](), 0
        self.servers: list[dict] = []

    def request(self, method: str, api: str, item: str, body: dict | None = None, accept: tuple = ()) -> dict:
        name = item.removeprefix("pods/")
        if method == "DELETE":
            self.pods.pop(name, None)
            return {}
        if method == "POST":
            assert body
            phase, status = self.ends[body["metadata"]["name"]].pop(0)
            self.pods[body["metadata"]["name"]] = body | {"status": {"phase": phase, **status}}
            self.most = max(self.most, len(self.pods))
            return {}
        return {"items": self.servers if "singleuser-server" in item else list(self.pods.values())}


def ended(code: int, message: str = "") -> tuple[str, dict]:
    """A pod whose container has ended."""
    return "Succeeded", {"containerStatuses": [{"state": {"terminated": {"exitCode": code, "message": message}}}]}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Cluster, list[Task]], dict[str, tuple]]:
    """Run tasks in a cluster: how each ended."""
    pod = {"metadata": {}, "spec": {"containers": [{"volumeMounts": []}], "volumes": [], "tolerations": []}}
    (tmp_path / "pod.json").write_text(json.dumps(pod))
    monkeypatch.setattr(backup_homes, "__file__", str(tmp_path / "backup_homes.py"))
    monkeypatch.setattr(backup_homes, "POLL", 0)
    for name in "POD_NAME", "POD_UID", "SHARED_CLAIM":
        monkeypatch.setenv(name, "")

    def use(cluster: Cluster, tasks: list[Task]) -> dict[str, tuple]:
        monkeypatch.setattr(backup_homes, "request", cluster.request)
        return {task.name: (end.status, end.said) for task, end in run_tasks(tasks)}

    return use


def test_homes_are_read_two_at_a_time_and_each_says_how_it_went(run) -> None:
    ends = {
        "a": [ended(0)],
        "b": [ended(PARTLY, "one file")],
        "c": [ended(1, "no room")],
        "d": [("Failed", {"reason": "Evicted"})],
    }
    cluster = Cluster(**ends)
    said = run(cluster, [Task(name, [], claim=name) for name in ends])
    assert said == {"a": (0, ""), "b": (PARTLY, "one file"), "c": (1, "no room"), "d": (None, "Evicted")}
    assert cluster.most == 2 and not cluster.pods


def test_a_server_that_waits_for_its_volume_goes_first(run) -> None:
    """The pod has the claim on a node where the server cannot be, and comes again once the server has it."""
    waiting = {"spec": {"volumes": [{"persistentVolumeClaim": {"claimName": "claim-ada"}}], "nodeName": "other"}}
    cluster = Cluster(ada=[("Running", {}), ("Running", {}), ended(0)])
    cluster.servers = [waiting | {"status": {"phase": "Pending"}}]
    assert run(cluster, [Task("ada", [], "claim-ada")]) == {"ada": (0, "")}
    cluster = Cluster(ada=[("Running", {})] * 3)
    cluster.servers = [waiting | {"status": {"phase": "Pending"}}]
    assert run(cluster, [Task("ada", [], "claim-ada")]) == {
        "ada": (None, "the student starts a server, which goes first")
    }


def test_a_pod_that_does_not_start_says_why(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup_homes, "START", -1)
    waiting = {"containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]}
    said = run(Cluster(ada=[("Pending", waiting)]), [Task("ada", [], "claim-ada")])
    assert said == {"ada": (None, "it did not start in 0 s: ImagePullBackOff")}


@pytest.mark.parametrize(
    ("succeeded", "suspended", "said"),
    [
        ("2027-01-10T02:30:00Z", False, "Backup: the last one succeeded 2027-01-10"),
        ("2027-01-08T02:30:00Z", False, "WARNING: no backup of the homes has succeeded since 2027-01-08"),
        # A hub that is paused, whose homes do not change.
        ("2027-01-08T02:30:00Z", True, "Backup: the last one succeeded 2027-01-08"),
        (None, False, "WARNING: no backup of the homes has succeeded since 2027-01-01"),
    ],
)
def test_an_old_backup_is_a_warning(monkeypatch, succeeded: str | None, suspended: bool, said: str) -> None:
    cron = {"metadata": {"creationTimestamp": "2027-01-01T12:00:00Z"}, "spec": {"suspend": suspended}}
    cron["status"] = {"lastSuccessfulTime": succeeded} if succeeded else {}
    monkeypatch.setattr(backup.kubectl, "read_object", lambda *_: cron)
    monkeypatch.setattr(backup.kubectl, "list_objects", lambda *_: [])
    (line,) = backup.describe_backup("prod", datetime(2027, 1, 10, 12, tzinfo=timezone.utc))
    assert line.startswith(said)
