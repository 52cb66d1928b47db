"""The daily backup in the cluster: three homes, into a repository of restic on a volume of its own. The tests go on."""

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from students import Repository, Student

STUDENTS = ["ada", "grace", "hypatia"]
CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "backup"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
Restic = Callable[..., str]


def create(repository: Repository, item: dict) -> None:
    """Create an object in the namespace of staging."""
    command = ["kubectl", "--namespace", f"{repository.name}-staging", "create", "--filename=-"]
    subprocess.run(command, input=json.dumps(item), text=True, check=True)


def wait(repository: Repository, kind: str, name: str) -> str:
    """Wait until a pod or a job has ended: its log."""
    end = time.monotonic() + 600
    while True:
        item = json.loads(repository.kubectl("staging", "get", kind, name, "--output=json"))
        ended = {
            condition["type"] for condition in item["status"].get("conditions", []) if condition["status"] == "True"
        }
        if ended & {"Complete", "Failed"} or item["status"].get("phase") in ("Succeeded", "Failed"):
            return repository.kubectl("staging", "logs", f"{kind}/{name}")
        assert time.monotonic() < end, item["status"]
        time.sleep(1)


def back_up(repository: Repository, name: str) -> str:
    """Run the CronJob now, as docs/homes.md says: its log."""
    start = time.monotonic()
    repository.kubectl("staging", "create", "job", "--from=cronjob/backup", name)
    said = wait(repository, "job", name)
    print(f"{said}{name}: {time.monotonic() - start:.0f} s")
    return said


def read_status(repository: Repository) -> str:
    """What `make status` prints, once the controller has seen the last job."""
    time.sleep(12)
    return repository.run_deployer("status", "--env=staging").stdout


@pytest.fixture(scope="module")
def backed(repository: Repository, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub with a backup and three homes; the folders of which these were made."""
    values = {"backup": {"repository": "/backup", "claim": "backup", "at": "03:30", "keepDaily": 2}}
    repository.change(values, "Back up the homes", "config/staging.yaml")
    repository.deploy()
    create(repository, CLAIM)
    folder = tmp_path_factory.mktemp("homes")
    for student in STUDENTS:
        for name in "week 1/exercise.ipynb", "week-2/data.bin":
            (folder / student / name).parent.mkdir(parents=True)
            (folder / student / name).write_bytes(os.urandom(1_000_000))
        said = repository.run_deployer("restore", "--env=staging", f"--student={student}", f"--from={folder / student}")
        assert f"it is taken as the home of {student}" in said.stdout and "2 files restored" in said.stdout
    return folder


def describe_pod(repository: Repository, name: str, **container: object) -> dict:
    """The pod of the chart in which restic runs, under another name and with another container."""
    described = repository.kubectl("staging", "get", "configmap", "backup", "--output=jsonpath={.data.pod\\.json}")
    pod = json.loads(described)
    pod["metadata"]["name"] = name
    pod["spec"]["containers"][0] |= container
    return pod


@pytest.fixture(scope="module")
def restic(repository: Repository, backed: Path) -> Restic:
    """Run restic in the cluster, with a home or without: its output."""

    def run(*arguments: str, claim: str = "") -> str:
        pod = describe_pod(repository, "restic-by-hand", args=arguments)
        if claim:
            pod["spec"]["volumes"].append({"name": "home", "persistentVolumeClaim": {"claimName": claim}})
            pod["spec"]["containers"][0]["volumeMounts"].append({"name": "home", "mountPath": f"/homes/{claim}"})
        create(repository, pod)
        said = wait(repository, "pod", "restic-by-hand")
        repository.kubectl("staging", "delete", "pod", "restic-by-hand")
        return said

    return run


def list_snapshots(restic: Restic, student: str) -> list[dict]:
    """The snapshots of a home, oldest first."""
    return json.loads(restic("snapshots", "--json", "--no-lock", f"--path=/homes/claim-{student}"))


def test_three_homes_are_saved_while_one_is_used(repository: Repository, backed: Path, student: Student) -> None:
    said = back_up(repository, "backup-1")
    assert "3 of 3 claims are saved" in said and "the repository is intact" in said
    assert "Backup: the last one succeeded" in read_status(repository)
    assert student.closed is None
    assert not repository.kubectl("staging", "get", "pods", "--selector=app.kubernetes.io/name=backup-restic").strip()


def test_the_next_one_adds_what_has_changed(repository: Repository, backed: Path, restic: Restic) -> None:
    (backed / "more").mkdir()
    (backed / "more" / "new.bin").write_bytes(os.urandom(500_000))
    repository.run_deployer("restore", "--env=staging", "--student=grace", f"--from={backed / 'more'}")
    back_up(repository, "backup-2")
    grace, hypatia = (list_snapshots(restic, name)[-1]["summary"] for name in ("grace", "hypatia"))
    print(grace, hypatia, sep="\n")
    assert grace["files_new"] == 1 and grace["files_unmodified"] == 2 and 500_000 < grace["data_added"] < 600_000
    assert hypatia["files_new"] == hypatia["files_changed"] == 0 and hypatia["data_added"] < 10_000


def test_a_home_is_restored_and_equal(repository: Repository, backed: Path, tmp_path: Path) -> None:
    """With the repository on this machine, as one in an object store would be read, by the restic that is here."""
    if not shutil.which("restic"):
        pytest.skip("restic is not here: `apt install restic`, or https://restic.net")
    image = "--output=jsonpath={.spec.template.spec.containers[0].image}"
    image = repository.kubectl("staging", "get", "deployment", "hub", image)
    create(repository, describe_pod(repository, "keeper", image=image, command=["sleep", "600"]))
    repository.kubectl("staging", "wait", "pod/keeper", "--for=condition=Ready", "--timeout=120s")
    command = ["kubectl", "--namespace", f"{repository.name}-staging", "exec", "keeper", "--"]
    packed = subprocess.run([*command, "tar", "-C", "/", "-cf-", "backup"], capture_output=True, check=True).stdout
    repository.kubectl("staging", "delete", "pod", "keeper", "--wait=false")
    (tmp_path / "repository.tar").write_bytes(packed)
    shutil.unpack_archive(tmp_path / "repository.tar", tmp_path)
    password = repository.secret("staging", "backup.secrets.RESTIC_PASSWORD")
    environ = {**os.environ, "RESTIC_REPOSITORY": str(tmp_path / "backup"), "RESTIC_PASSWORD": password}
    target = tmp_path / "restored"
    line = ["restic", "restore", "latest", "--no-lock", "--path", "/homes/claim-grace", "--target", str(target)]
    subprocess.run(line, env=environ, check=True)
    home = target / "homes" / "claim-grace"
    for name in "week 1/exercise.ipynb", "week-2/data.bin":
        assert (home / name).read_bytes() == (backed / "grace" / name).read_bytes()
    said = repository.run_deployer("restore", "--env=staging", "--student=grace", f"--from={home}").stdout
    assert "0 files restored, 3 were there already" in said
    said = repository.run_deployer("restore", "--env=staging", "--student=grace", "--as=emmy", f"--from={home}").stdout
    assert "emmy: 3 files restored" in said


def test_days_that_are_too_many_are_forgotten(repository: Repository, backed: Path, restic: Restic) -> None:
    host = f"--host={repository.name}-staging"
    for day in "2026-01-02", "2026-01-03":
        restic("backup", host, f"--time={day} 03:30:00", "/homes/claim-hypatia", claim="claim-hypatia")
    assert len({one["time"][:10] for one in list_snapshots(restic, "hypatia")}) == 3
    back_up(repository, "backup-3")
    kept = [one["time"][:10] for one in list_snapshots(restic, "hypatia")]
    print(kept)
    assert len(kept) == 2 and kept[0] == "2026-01-03" and kept[1] > "2026-11"
    # Each home has its own days.
    assert list_snapshots(restic, "grace")


def test_a_claim_with_all_homes_is_saved_at_once(repository: Repository, backed: Path) -> None:
    """As with an NFS share, for which any claim stands in here."""
    dry = ("--dry-run=client", "--output=json")
    job = json.loads(repository.kubectl("staging", "create", "job", "shared-1", "--from=cronjob/backup", *dry))
    for item in job["spec"]["template"]["spec"]["containers"][0]["env"]:
        if item["name"] == "SHARED_CLAIM":
            item["value"] = "claim-grace"
    create(repository, job)
    said = wait(repository, "job", "shared-1")
    assert "claim-grace of all: saved" in said and "1 of 1 claims are saved" in said


def test_a_wrong_password_is_in_the_status(repository: Repository, backed: Path) -> None:
    secret = json.loads(repository.kubectl("staging", "get", "secret", "backup", "--output=json"))
    another = base64.b64encode(b"another").decode()
    wrong = json.dumps({"data": dict.fromkeys(["RESTIC_PASSWORD"], another)})
    repository.kubectl("staging", "patch", "secret", "backup", f"--patch={wrong}")
    back_up(repository, "backup-4")
    said = read_status(repository)
    print(said)
    assert "has failed:" in said and "the repository cannot be opened: Fatal: wrong password" in said
    right = json.dumps({"data": secret["data"]})
    repository.kubectl("staging", "patch", "secret", "backup", f"--patch={right}")
    back_up(repository, "backup-5")
    assert "has failed" not in read_status(repository)
