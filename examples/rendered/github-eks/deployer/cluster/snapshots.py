"""The snapshots of homes in the cluster (chart/files/snapshot_homes.py), and what they need there."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from deployer import chart, values
from deployer.cluster import kubectl
from deployer.yaml_files import find_value

Snapshot = dict[str, Any]
GROUP = "snapshot.storage.k8s.io"
SELECTOR = "--selector=app.kubernetes.io/name=home-snapshot"
KEY = "backup.snapshotClass"
REMEDY = "Name another class in config/, or remove the key (docs/homes.md)"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
# The annotation with the storage class of the volume that a snapshot was taken of.
CLASS = "z2jh.storage-class"


def list_snapshots(env: str) -> list[Snapshot]:
    """Return the snapshots that were taken, oldest first; none where the cluster has no such objects."""
    found = kubectl.list_objects(env, f"volumesnapshots.{GROUP}", SELECTOR)
    return sorted((item for item in found if read_taken(item)), key=read_taken)


def read_taken(snapshot: Snapshot) -> str:
    """Return when a snapshot was taken, as Kubernetes writes it; an empty text where it was not."""
    return str(find_value(snapshot, "status", "creationTime") or "")


def read_claim(snapshot: Snapshot) -> str:
    """Return the claim of which a snapshot was taken."""
    return str(snapshot["spec"]["source"]["persistentVolumeClaimName"])


def read_time(moment: str) -> datetime:
    """Return a time as Kubernetes writes it, in the zone of this machine."""
    return datetime.fromisoformat(moment.replace("Z", "+00:00")).astimezone()


def format_taken(snapshot: Snapshot) -> str:
    """Return when a snapshot was taken, in the zone of this machine."""
    return f"{read_time(read_taken(snapshot)):%Y-%m-%d %H:%M}"


def read_class(env: str) -> str:
    """Return the VolumeSnapshotClass that the values name; an empty text where they name none."""
    return str(find_value(values.read_values(env), "backup", "snapshotClass") or "")


def find_gap(env: str, name: str, storage_class: str) -> str:
    """Return why a VolumeSnapshotClass takes no snapshots of a storage class; an empty text where it does.

    Without a name, the storage class is the default one. Where this account may not look, it finds nothing.
    """
    listed = kubectl.run_kubectl(env, "get", f"volumesnapshotclasses.{GROUP}", "--output=json")
    if "Forbidden" in listed.stderr:
        return ""
    if listed.returncode:
        return f"{KEY} is {name}, and the cluster has no VolumeSnapshots: its storage lacks them. {REMEDY}"
    drivers = {item["metadata"]["name"]: item["driver"] for item in json.loads(listed.stdout)["items"]}
    if name not in drivers:
        return f"{KEY} is {name}; the cluster has {', '.join(sorted(drivers)) or 'no VolumeSnapshotClass'}. {REMEDY}"
    for item in kubectl.list_objects(env, "storageclasses"):
        is_default = find_value(item, "metadata", "annotations", DEFAULT_CLASS) == "true"
        is_meant = item["metadata"]["name"] == storage_class if storage_class else is_default
        if is_meant and item["provisioner"] != drivers[name]:
            return (
                f"{KEY}: {name} is for volumes of {drivers[name]}, and the homes are volumes of {item['provisioner']} "
                f"(storage class {item['metadata']['name']}). {REMEDY}"
            )
    return ""


def find_missing_rights(env: str) -> str:
    """Return why this account cannot give the job its rights; an empty text where it can."""
    for verb in "list", "create", "delete":
        if kubectl.run_kubectl(env, "auth", "can-i", verb, f"volumesnapshots.{GROUP}").stdout.strip() == "no":
            return (
                f"this account may not {verb} VolumeSnapshots in {chart.name_release(env)}, and so cannot allow it to "
                f"the job of {KEY}; let an administrator apply cluster/deployer.yaml"
            )
    return ""


def describe_snapshots(env: str, class_name: str, expected: datetime | None) -> Iterator[str]:
    """Yield when the last snapshots were taken, and a warning where the last one is from before `expected`.

    `expected` is None while the hub is paused, when there are no new ones.
    """
    homes = kubectl.list_objects(env, "persistentvolumeclaims", "--selector=component=singleuser-storage")
    storage_class = next((str(item["spec"].get("storageClassName") or "") for item in homes), "")
    if gap := find_gap(env, class_name, storage_class):
        yield f"WARNING: no snapshot of the homes can be taken: {gap}"
    found = list_snapshots(env)
    if not found:
        yield "Snapshots: none yet"
        return
    said = f"{len(found)} of {len({read_claim(item) for item in found})} homes, the last one {format_taken(found[-1])}"
    is_late = expected is not None and read_time(read_taken(found[-1])) < expected
    yield f"WARNING: no snapshot is newer: {said} (docs/homes.md)" if is_late else f"Snapshots: {said}"


def list_kept_contents(env: str) -> list[str]:
    """Return the snapshots in the storage that stay when the namespace goes, since their class retains them."""
    return [
        f"volumesnapshotcontent/{item['metadata']['name']}"
        for item in kubectl.list_objects(env, f"volumesnapshotcontents.{GROUP}")
        if find_value(item, "spec", "volumeSnapshotRef", "namespace") == chart.name_release(env)
        and item["spec"].get("deletionPolicy") == "Retain"
    ]
