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
# Seconds: between two looks, and for all snapshots of a night.
POLL, LIMIT = 2, 600


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


def take(claims: list[dict], class_name: str, moment: datetime) -> list[str]:
    """Take a snapshot of each claim. Return a line for each that failed."""
    waiting = {}
    for claim in claims:
        described = describe_snapshot(claim, class_name, moment)
        request("POST", API, KIND, described)
        waiting[described["metadata"]["name"]] = claim["metadata"]["name"]
    end = time.monotonic() + LIMIT
    errors: dict[str, str] = {}
    while waiting and time.monotonic() < end:
        time.sleep(POLL)
        for item in list_snapshots():
            name, status = item["metadata"]["name"], item.get("status", {})
            errors[name] = status.get("error", {}).get("message", "")
            if read_taken(item):
                waiting.pop(name, None)
    silence = f"no snapshot controller has answered in {LIMIT} s"
    return [f"{claim}: NO snapshot: {errors.get(name) or silence}" for name, claim in waiting.items()]


def run(claims: list[dict], class_name: str, keep: int) -> list[str]:
    """Take snapshots and delete old ones. Return what failed; this does not keep the backup from running."""
    now = datetime.now(timezone.utc)
    try:
        failures = take(claims, class_name, now)
        taken = f"{len(claims) - len(failures)} of {len(claims)} homes have a new snapshot"
        for line in (*failures, taken):
            print(line, flush=True)
        # Those of this run that were not taken are among them: a controller that comes back takes none by day.
        for name in find_old(list_snapshots(), {claim["metadata"]["name"] for claim in claims}, keep, now):
            request("DELETE", API, f"{KIND}/{name}", accept=(200, 202, 404))
            print(f"the snapshot {name} is deleted", flush=True)
    except SystemExit as error:
        print(error, flush=True)
        return [f"snapshots: {error}"]
    return failures
