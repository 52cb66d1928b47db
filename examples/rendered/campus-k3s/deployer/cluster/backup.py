"""What the daily backup and the snapshots in the cluster have done (chart/files/backup_homes.py)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from deployer.cluster import kubectl, snapshots
from deployer.cluster.snapshots import read_time
from deployer.yaml_files import find_value

# One missed night does not make the last backup this old: more than one has failed.
OLD = timedelta(days=2)


def describe_backup(env: str, now: datetime) -> Iterator[str]:
    """Yield when the last backup and snapshots were made, a warning where that is too long ago, and why one failed.

    Yields nothing where there is neither.
    """
    cron = kubectl.read_object(env, "cronjob", "backup")
    if not cron:
        return
    container = find_value(cron, "spec", "jobTemplate", "spec", "template", "spec", "containers", 0) or {}
    given = {item["name"]: item.get("value") for item in container.get("env", [])}
    is_paused = bool(cron["spec"].get("suspend"))
    # A CronJob from before there were snapshots does not say it, and has a repository.
    if given.get("REPOSITORY", "yes"):
        succeeded = find_value(cron, "status", "lastSuccessfulTime")
        since = read_time(succeeded or cron["metadata"]["creationTimestamp"])
        when = f"{since:%Y-%m-%d %H:%M}"
        if now - since > OLD and not is_paused:
            yield f"WARNING: no backup of the homes has succeeded since {when} (docs/homes.md)"
        else:
            yield f"Backup: {f'the last one succeeded {when}' if succeeded else f'none yet, it is set up since {when}'}"
    if class_name := given.get("SNAPSHOT_CLASS"):
        yield from snapshots.describe_snapshots(env, class_name, None if is_paused else now - OLD)
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
