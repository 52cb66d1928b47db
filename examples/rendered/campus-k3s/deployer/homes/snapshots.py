"""A home as one of its snapshots has it, read as `make archive` reads a home: from a volume made of the snapshot."""

import hashlib
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deployer import process
from deployer.cluster import kubectl, snapshots
from deployer.cluster.servers import read_owner
from deployer.cluster.snapshots import Snapshot
from deployer.errors import UserError
from deployer.homes import archives, listing, pods
from deployer.homes.archives import Entry
from deployer.homes.listing import Home
from deployer.units import parse_quantity
from deployer.yaml_files import find_value

# FROM=snapshot is the last one, FROM=snapshot:2027-01-31 the last one of that day.
WORD = "snapshot"


def is_named(source: str) -> bool:
    """Return whether FROM is a snapshot, and not a folder."""
    return source.partition(":")[0] == WORD


def name_owners(snapshot: Snapshot) -> tuple[str, str]:
    """Return the two names by which STUDENT finds a home: of the student (and the server), and of the claim."""
    student, server = read_owner(snapshot)
    return f"{student}/{server}" if server else student, snapshots.read_claim(snapshot)


def choose(env: str, student: str, source: str) -> Snapshot:
    """Return the snapshot of a student that FROM names. Raises UserError with those that there are."""
    if not student:
        raise UserError("STUDENT: say whose snapshot, such as `STUDENT=ada FROM=snapshot`")
    if listing.is_shared(env):
        raise UserError(f"FROM is '{source}': the homes are on a file server. Use its own snapshots (docs/homes.md)")
    found = [item for item in snapshots.list_snapshots(env) if student in name_owners(item)]
    day = source.partition(":")[2]
    chosen = [item for item in found if snapshots.format_taken(item).startswith(day)]
    if not chosen:
        known = ", ".join(snapshots.format_taken(item) for item in found) or "none"
        raise UserError(
            f"FROM is '{source}', and '{student}' has no such snapshot. There are: {known}. Write FROM=snapshot for "
            "the last one, or the day, such as FROM=snapshot:2027-01-31"
        )
    return chosen[-1]


def describe_volume(env: str, name: str, snapshot: Snapshot) -> dict[str, Any]:
    """Return the claim of a volume with what a snapshot has. No label makes it a home."""
    storage = listing.read_storage(env)
    own = kubectl.read_object(env, "persistentvolumeclaim", snapshots.read_claim(snapshot))
    # As large as the volume was: some drivers do not say how large a snapshot is.
    sizes = [
        str(find_value(own, "status", "capacity", "storage") or storage.get("capacity") or "10Gi"),
        str(find_value(snapshot, "status", "restoreSize") or "0"),
    ]
    spec: dict[str, Any] = {
        "accessModes": find_value(storage, "dynamic", "storageAccessModes") or ["ReadWriteOnce"],
        "resources": {"requests": {"storage": max(sizes, key=parse_quantity)}},
        "dataSource": {"apiGroup": snapshots.GROUP, "kind": "VolumeSnapshot", "name": snapshot["metadata"]["name"]},
    }
    if storage_class := find_value(snapshot, "metadata", "annotations", snapshots.CLASS):
        spec["storageClassName"] = storage_class
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


@contextmanager
def read_archive(env: str, student: str, source: str) -> Iterator[tuple[Path, dict[str, Entry]]]:
    """Yield a folder with the archive of a snapshot, and its manifest. Both go at the end, and so does the volume."""
    kubectl.require_access(env)
    snapshot = choose(env, student, source)
    taken, name = snapshots.format_taken(snapshot), snapshot["metadata"]["name"]
    volume = f"read-snapshot-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
    remove = ["delete", "persistentvolumeclaim", volume, "--ignore-not-found"]
    process.require_done(kubectl.run_kubectl(env, *remove), f"the volume {volume} of an earlier attempt stays")
    described = describe_volume(env, volume, snapshot)
    process.require_done(kubectl.create(env, described), f"no volume can be made of the snapshot of {taken}")
    try:
        with tempfile.TemporaryDirectory() as folder:
            with pods.mount_home(env, Home(key=volume, student=student, claim=volume)) as pod:
                result = pod.receive(Path(folder, "home.tar.gz"), 0, threading.Event())
            capacity = described["spec"]["resources"]["requests"]["storage"]
            entry = {**result, "student": student, "folder": "", "file": "home.tar.gz", "capacity": capacity}
            entry["archived"] = f"the snapshot of {taken}"
            archives.require_whole(Path(folder), entry)
            yield Path(folder), {student: entry}
    finally:
        kubectl.run_kubectl(env, *remove, "--wait=false")
