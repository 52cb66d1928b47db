"""Snapshots of homes, by the snapshot controller and the CSI driver of the cluster. The tests go on from each other."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from students import Repository, wait_until

# The last day that is kept beside today.
KEEP = 1


def read_items(*arguments: str) -> list[dict]:
    """What `kubectl get` lists; nothing where the cluster does not know the kind."""
    done = subprocess.run(["kubectl", "get", *arguments, "--output=json"], capture_output=True)
    return json.loads(done.stdout)["items"] if done.returncode == 0 else []


@pytest.fixture(scope="module")
def classes() -> tuple[str, str]:
    """A VolumeSnapshotClass, and a storage class of the same driver."""
    storage = {item["provisioner"]: item["metadata"]["name"] for item in read_items("storageclasses")}
    for item in read_items("volumesnapshotclasses.snapshot.storage.k8s.io"):
        if item["driver"] in storage:
            return item["metadata"]["name"], storage[item["driver"]]
    pytest.skip(
        "the cluster has no VolumeSnapshotClass for a storage class: install a CSI driver with snapshots, such as "
        "kubernetes-csi/csi-driver-host-path, the CRDs and the controller of kubernetes-csi/external-snapshotter"
    )


@pytest.fixture(scope="module")
def folder(classes: tuple[str, str], repository: Repository, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub with two homes on volumes of the driver; the folders of which these were made."""
    values = {
        "backup": {"snapshotClass": classes[0], "keepSnapshots": KEEP},
        "jupyterhub": {"singleuser": {"storage": {"capacity": "100Mi", "dynamic": {"storageClass": classes[1]}}}},
    }
    repository.change(values, "Take snapshots of the homes", "config/staging.yaml")
    repository.deploy()
    made = tmp_path_factory.mktemp("homes")
    for student in "ada", "grace":
        for name in "week 1/exercise.ipynb", "data.bin":
            (made / student / name).parent.mkdir(parents=True, exist_ok=True)
            (made / student / name).write_bytes(os.urandom(1_000_000))
        restore(repository, student, str(made / student))
    return made


def restore(repository: Repository, student: str, source: str, *options: str) -> str:
    """Restore a home: what was printed."""
    done = repository.run_deployer("restore", "--env=staging", f"--student={student}", f"--from={source}", *options)
    print(done.stdout)
    return done.stdout


def take(repository: Repository, name: str, condition: str = "complete") -> str:
    """Run the CronJob now, as docs/homes.md says: its log."""
    repository.kubectl("staging", "create", "job", "--from=cronjob/backup", name)
    repository.kubectl("staging", "wait", f"job/{name}", f"--for=condition={condition}", "--timeout=700s")
    said = repository.kubectl("staging", "logs", f"job/{name}")
    print(said)
    return said


def list_names(repository: Repository) -> set[str]:
    """The snapshots of the hub."""
    return set(repository.kubectl("staging", "get", "volumesnapshots", "--output=name").split())


def delete_files(repository: Repository, claim: str) -> None:
    """Delete everything in a home, as a student does."""
    image = repository.kubectl(
        "staging", "get", "deployment/hub", "--output=jsonpath={.spec.template.spec.containers[0].image}"
    )
    security = {"runAsUser": 1000, "runAsGroup": 100, "runAsNonRoot": True, "fsGroup": 100}
    container = {
        "name": "rm",
        "image": image,
        "command": ["sh", "-c", "rm -r /home/student/* && ls -A /home/student"],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "home", "mountPath": "/home/student"}],
    }
    spec = {
        "restartPolicy": "Never",
        "securityContext": security | {"seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": claim}}],
    }
    pod = json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "rm"}, "spec": spec})
    repository.run("kubectl", f"--namespace={repository.name}-staging", "create", "--filename=-", typed=pod)
    repository.kubectl("staging", "wait", "pod/rm", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=120s")
    assert not repository.kubectl("staging", "logs", "rm").strip()
    repository.kubectl("staging", "delete", "pod", "rm")


def test_the_job_takes_a_snapshot_of_each_home(repository: Repository, folder: Path) -> None:
    assert "snapshots of homes are taken with the class" in repository.run_deployer("preflight", "--env=staging").stdout
    assert "2 of 2 homes have a new snapshot" in take(repository, "first")
    assert "Snapshots: 2 of 2 homes, the last one 2" in repository.run_deployer("status", "--env=staging").stdout


def test_deleted_files_come_back_byte_for_byte(repository: Repository, folder: Path, tmp_path: Path) -> None:
    delete_files(repository, "claim-ada")
    assert "ada: 2 files restored" in restore(repository, "ada", "snapshot")
    # An archive of the home, unpacked here, has the bytes that were written first.
    repository.run_deployer("archive", "--env=staging", f"--to={tmp_path}")
    subprocess.run(["tar", "-xzf", tmp_path / "claim-ada.tar.gz", "-C", tmp_path], check=True)
    for name in "week 1/exercise.ipynb", "data.bin":
        assert (tmp_path / name).read_bytes() == (folder / "ada" / name).read_bytes()
    said = restore(repository, "ada", "snapshot", "--file=week 1", "--as=grace")
    assert "others are there now" in said and ": 1, in " in said
    said = repository.run_deployer("backup-drill", "--env=staging", "--student=grace", "--from=snapshot").stdout
    assert "grace: what was archived is there, 2 files, 1.9 MiB" in said
    # The volume that was made of the snapshot is gone.
    claims = ("staging", "get", "persistentvolumeclaims", "--output=name")
    wait_until(lambda: "read-snapshot" not in repository.kubectl(*claims), "the volume of the snapshot stays", 60)


def test_one_a_day_is_kept_and_the_storage_is_freed(repository: Repository, folder: Path) -> None:
    before = list_names(repository)
    contents = {item["metadata"]["name"] for item in read_items("volumesnapshotcontents")}
    said = take(repository, "second")
    assert said.count("is deleted") == 2
    assert len(list_names(repository)) == 2 and not list_names(repository) & before
    assert contents
    wait_until(
        lambda: not contents & {item["metadata"]["name"] for item in read_items("volumesnapshotcontents")},
        "the snapshots in the storage stay",
        60,
    )


def test_a_home_that_is_gone_comes_back(repository: Repository, folder: Path) -> None:
    """The volume is as large as the claim would be. The home has a folder more: what ada's snapshot gave it."""
    repository.kubectl("staging", "delete", "persistentvolumeclaim", "claim-grace")
    assert "grace: 3 files restored" in restore(repository, "grace", "snapshot")


def test_a_wrong_day_prints_the_days(repository: Repository, folder: Path) -> None:
    arguments = ("--env=staging", "--student=ada", "--from=snapshot:2001-01-01")
    done = repository.run_deployer("restore", *arguments, check=False)
    assert done.returncode == 1 and "has no such snapshot. There are: 2" in done.stderr


def test_the_job_may_do_no_more(repository: Repository, folder: Path) -> None:
    account = f"--as=system:serviceaccount:{repository.name}-staging:backup"
    for allowed, *what in (
        (True, "create", "volumesnapshots.snapshot.storage.k8s.io"),
        (False, "create", "volumesnapshots.snapshot.storage.k8s.io", "--namespace=default"),
        (False, "create", "pods"),
        (False, "delete", "persistentvolumeclaims"),
    ):
        said = repository.kubectl("staging", "auth", "can-i", *what, account, check=False)
        assert said.strip() == ("yes" if allowed else "no"), what


def test_a_class_that_is_missing_is_named_before_the_night(repository: Repository, folder: Path) -> None:
    repository.change({"backup": {"snapshotClass": "no-such-class"}}, "A wrong class", "config/staging.yaml")
    done = repository.run_deployer("preflight", "--env=staging", check=False)
    assert done.returncode and "backup.snapshotClass is no-such-class; the cluster has " in done.stdout + done.stderr
    # As a class that was removed after the deploy.
    name = {"name": "SNAPSHOT_CLASS", "value": "no-such-class"}
    container = {"name": "backup", "env": [name]}
    spec = {"spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": [container]}}}}}}
    repository.kubectl("staging", "patch", "cronjob", "backup", f"--patch={json.dumps(spec)}")
    repository.kubectl("staging", "create", "job", "missing", "--from=cronjob/backup")
    repository.kubectl("staging", "wait", "job/missing", "--for=condition=Failed", "--timeout=60s")
    log = repository.kubectl("staging", "logs", "job/missing")
    assert "NO snapshot of any home, with the class no-such-class: Failed to get snapshot class" in log
    said = repository.run_deployer("status", "--env=staging").stdout
    print(said)
    assert "WARNING: no snapshot of the homes can be taken: backup.snapshotClass is no-such-class" in said


def test_destroy_says_that_they_go(repository: Repository, folder: Path) -> None:
    done = repository.run_deployer("destroy", "--env=staging", check=False)
    assert "  2 snapshots of homes" in done.stdout and "nothing was deleted" in done.stderr
