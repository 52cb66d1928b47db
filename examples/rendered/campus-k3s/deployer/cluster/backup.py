"""What the daily backup in the cluster has done (chart/files/backup_homes.py)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from deployer.cluster import kubectl
from deployer.yaml_files import find_value

# One missed night does not make the last backup this old: more than one has failed.
OLD = timedelta(days=2)


def read_time(moment: str) -> datetime:
    """Return a time as Kubernetes writes it, in the zone of this machine."""
    return datetime.fromisoformat(moment.replace("Z", "+00:00")).astimezone()


def describe_backup(env: str, now: datetime) -> Iterator[str]:
    """Yield when the last backup succeeded, a warning where that is too long ago, and why a later one has failed.

    Yields nothing where there is no backup.
    """
    cron = kubectl.read_object(env, "cronjob", "backup")
    if not cron:
        return
    succeeded = find_value(cron, "status", "lastSuccessfulTime")
    since = read_time(succeeded or cron["metadata"]["creationTimestamp"])
    when = f"{since:%Y-%m-%d %H:%M}"
    if now - since > OLD and not cron["spec"].get("suspend"):
        yield f"WARNING: no backup of the homes has succeeded since {when} (docs/homes.md)"
    else:
        yield f"Backup: the last one succeeded {when}" if succeeded else f"Backup: none yet, it is set up since {when}"
    jobs = kubectl.list_objects(env, "jobs", "--selector=app.kubernetes.io/name=backup")
    if jobs:
        yield from describe_failure(env, max(jobs, key=lambda job: str(job["metadata"]["creationTimestamp"])))


def describe_failure(env: str, job: dict[str, Any]) -> Iterator[str]:
    """Yield why a run has failed, from the last lines of its log; nothing where it has not."""
    failed = [
        item for item in job["status"].get("conditions", []) if (item["type"], item["status"]) == ("Failed", "True")
    ]
    if not failed:
        return
    started = read_time(job["metadata"]["creationTimestamp"])
    yield f"WARNING: the backup of {started:%Y-%m-%d %H:%M} has failed:"
    said = str(failed[0].get("message", ""))
    for pod in kubectl.list_objects(env, "pods", f"--selector=job-name={job['metadata']['name']}"):
        for container in pod["status"].get("containerStatuses", []):
            said = find_value(container, "state", "terminated", "message") or said
    yield from (f"  {line}" for line in said.strip().splitlines()[-20:])
