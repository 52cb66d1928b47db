"""Take a VolumeSnapshot of each home, and delete those that are too old. The backup does it first: backup_homes.py.

A snapshot is taken once it has a creationTime. Some clouds copy it for hours afterwards, which nothing here waits for.
"""

import time
from datetime import datetime, timedelta, timezone

from kubernetes_api import request

API, KIND = "/apis/snapshot.storage.k8s.io/v1", "volumesnapshots"
LABELS = {"app.kubernetes.io/name": "home-snapshot"}
SELECTED = f"{KIND}?labelSelector=app.kubernetes.io%2Fname%3Dhome-snapshot"
# What `make restore` reads: whose home it is, and the storage class of a volume that it makes of the snapshot.
USER, SERVER, CLASS = "hub.jupyter.org/username", "hub.jupyter.org/servername", "z2jh.storage-class"
# Seconds: between two looks, for the first answer of the snapshot controller, and for all snapshots of a night.
POLL, SILENCE, LIMIT = 2, 60, 600
# What the snapshot controller says where waiting does not help: of a class, and of one volume that has no CSI driver.
NO_CLASS, NO_DRIVER = "snapshot class with error", "cannot find CSI PersistentVolumeSource"


def describe_snapshot(claim: dict, class_name: str, moment: datetime) -> dict:
    """Return the snapshot of a claim."""
    metadata = claim["metadata"]
    given = metadata.get("annotations", {})
    annotations = {key: given[key] for key in (USER, SERVER) if key in given}
    annotations[CLASS] = claim["spec"].get("storageClassName", "")
    name = f"{metadata['name']}-{moment:%Y%m%d-%H%M%S}"
    return {
        "apiVersion": "snapshot.storage.k8s.io/v1",
        "kind": "VolumeSnapshot",
        "metadata": {"name": name, "labels": LABELS, "annotations": annotations},
        "spec": {"volumeSnapshotClassName": class_name, "source": {"persistentVolumeClaimName": metadata["name"]}},
    }


def list_snapshots() -> list[dict]:
    """Return the snapshots of homes."""
    return request("GET", API, SELECTED)["items"]


def read_taken(snapshot: dict) -> str:
    """Return when a snapshot was taken; an empty text where it was not."""
    return snapshot.get("status", {}).get("creationTime") or ""


def find_old(snapshots: list[dict], claims: set[str], keep: int, now: datetime) -> list[str]:
    """Return the names of snapshots to delete: all but the last one of each of the last days that have any.

    Days without a snapshot do not count, so that a cluster that takes none loses none. A home that is gone has no new
    ones, and so its last ones are deleted by their age.
    """
    oldest = f"{now - timedelta(days=keep):%Y-%m-%dT%H:%M:%SZ}"
    kept: dict[str, set[str]] = {}
    old = []
    for item in sorted(snapshots, key=read_taken, reverse=True):
        claim, taken = item["spec"]["source"]["persistentVolumeClaimName"], read_taken(item)
        days = kept.setdefault(claim, set())
        is_first = bool(taken) and taken[:10] not in days
        if is_first and (len(days) < keep if claim in claims else taken >= oldest):
            days.add(taken[:10])
        else:
            old.append(item["metadata"]["name"])
    return old


def read_error(snapshot: dict) -> str:
    """Return why a snapshot was not taken, as far as the controller has said."""
    return snapshot.get("status", {}).get("error", {}).get("message") or ""


def find_obstacle(name: str) -> str:
    """Wait until the controller has answered to one snapshot. Return what keeps all of a class from being taken."""
    end = time.monotonic() + SILENCE
    while time.monotonic() < end:
        time.sleep(POLL)
        for item in list_snapshots():
            if item["metadata"]["name"] == name and item.get("status"):
                return read_error(item) if NO_CLASS in read_error(item) else ""
    return f"no snapshot controller has answered in {SILENCE} s"


def take(claims: list[dict], class_name: str, moment: datetime) -> dict[str, str]:
    """Take a snapshot of each claim. Return why it failed, by the claim.

    One comes first: where its class cannot be used, no other is asked for.
    """
    described = {claim["metadata"]["name"]: describe_snapshot(claim, class_name, moment) for claim in claims}
    waiting = {}
    for claim, snapshot in described.items():
        request("POST", API, KIND, snapshot)
        name = snapshot["metadata"]["name"]
        if not waiting and (obstacle := find_obstacle(name)):
            return dict.fromkeys(described, obstacle)
        waiting[name] = claim
    end = time.monotonic() + LIMIT
    errors, hopeless = dict[str, str](), set[str]()
    while waiting.keys() - hopeless and time.monotonic() < end:
        time.sleep(POLL)
        for item in list_snapshots():
            name = item["metadata"]["name"]
            errors[name] = read_error(item)
            if read_taken(item):
                waiting.pop(name, None)
            elif NO_DRIVER in errors[name]:
                hopeless.add(name)
    silence = f"it was not taken in {LIMIT} s"
    return {claim: errors.get(name) or silence for name, claim in waiting.items()}


def run(claims: list[dict], class_name: str, keep: int) -> list[str]:
    """Take snapshots and delete old ones. Return what failed; this does not keep the backup from running."""
    now = datetime.now(timezone.utc)
    try:
        failed = take(claims, class_name, now)
        failures = [f"{claim}: NO snapshot: {reason}" for claim, reason in failed.items()]
        if len(set(failed.values())) == 1 and len(failed) == len(claims):
            failures = [f"NO snapshot of any home, with the class {class_name}: {next(iter(failed.values()))}"]
        for line in (*failures, f"{len(claims) - len(failed)} of {len(claims)} homes have a new snapshot"):
            print(line, flush=True)
        # Those of this run that were not taken are among them: a controller that comes back takes none by day.
        for name in find_old(list_snapshots(), {claim["metadata"]["name"] for claim in claims}, keep, now):
            request("DELETE", API, f"{KIND}/{name}", accept=(200, 202, 404))
            print(f"the snapshot {name} is deleted", flush=True)
    except SystemExit as error:
        print(error, flush=True)
        return [f"snapshots: {error}"]
    return failures
