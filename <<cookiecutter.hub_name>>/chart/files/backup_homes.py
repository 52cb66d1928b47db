"""Back up the homes: a snapshot of each, where there is a class for it, and then a repository of restic.

restic runs in a pod for each claim, some at once; then it forgets old backups, and checks the repository.
A CronJob runs this in the hub's image. A pod reads its claim where the student's server runs, if it does: only one node
has a claim at a time. The chart writes pod.json, which has restic and the keys of the repository, and the environment.
The pods belong to the pod of this program, so that Kubernetes removes them with it.
"""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import snapshot_homes
from kubernetes_api import request

CORE = "/api/v1"
PODS = "labelSelector=app.kubernetes.io%2Fname%3Dbackup-restic"
# Pods at the same time, and attempts for a claim that a server needs first.
AT_ONCE, ATTEMPTS = 2, 3
# Seconds: between two looks, for a pod to start, for one to end.
POLL, START, LIMIT = 3, 300, 7200
# What restic says with its exit status: it has saved all but some files, which it could not read; no repository yet.
PARTLY, NO_REPOSITORY = 3, 10


@dataclass
class Task:
    """A run of restic: the name of its pod, its arguments, and the claim that it reads."""

    name: str
    arguments: list[str]
    claim: str = ""
    student: str = ""
    attempts: int = 0
    since: float = 0.0


@dataclass
class End:
    """How a run ended: its exit status, None where there was none, and the last lines of its log, or why."""

    status: int | None
    said: str


def list_items(item: str) -> list[dict]:
    """Return the objects of a list."""
    return request("GET", CORE, item)["items"]


def read_student(claim: dict) -> str:
    """Return whose claim it is."""
    return claim["metadata"].get("annotations", {}).get(snapshot_homes.USER, claim["metadata"]["name"])


def list_own_claims() -> list[dict]:
    """Return the claims that students have for themselves. One that was never bound has no file."""
    claims = list_items("persistentvolumeclaims?labelSelector=component%3Dsingleuser-storage")
    robot = os.environ["ROBOT"]
    return [claim for claim in claims if claim["status"].get("phase") == "Bound" and read_student(claim) != robot]


def list_claims() -> list[tuple[str, str]]:
    """Return each claim with homes, and its student."""
    if shared := os.environ["SHARED_CLAIM"]:
        return [(shared, "all")]
    return [(claim["metadata"]["name"], read_student(claim)) for claim in list_own_claims()]


def find_servers() -> dict[str, dict]:
    """Return the pods of students' servers, by the claims that they mount."""
    found = {}
    for pod in list_items("pods?labelSelector=component%3Dsingleuser-server"):
        for volume in pod["spec"]["volumes"]:
            if claim := volume.get("persistentVolumeClaim", {}).get("claimName"):
                found[claim] = pod
    return found


def describe_pod(task: Task, server: dict | None) -> dict:
    """Return the pod of a run: with the claim, and on the node of the server that has it."""
    pod = json.loads(Path(__file__).with_name("pod.json").read_text(encoding="utf-8"))
    me = {"apiVersion": "v1", "kind": "Pod", "name": os.environ["POD_NAME"], "uid": os.environ["POD_UID"]}
    pod["metadata"] |= {"name": task.name, "ownerReferences": [me]}
    spec = pod["spec"]
    spec["containers"][0]["args"] = task.arguments
    if task.claim:
        spec["volumes"].append({"name": "home", "persistentVolumeClaim": {"claimName": task.claim}})
        # Read-only here alone: some drivers would attach such a volume so that no server can write to it.
        mount = {"name": "home", "mountPath": f"/homes/{task.claim}", "readOnly": True}
        spec["containers"][0]["volumeMounts"].append(mount)
    if node := server and not os.environ["SHARED_CLAIM"] and server["spec"].get("nodeName"):
        field = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [field]}}
        spec["affinity"] = {"nodeAffinity": required}
        spec["tolerations"] += server["spec"].get("tolerations", [])
    return pod


def find_end(pod: dict | None, task: Task) -> End | None:
    """Return how a run ended; None while it goes on."""
    if not pod:
        return End(None, "its pod was removed")
    state = next((item["state"] for item in pod["status"].get("containerStatuses", [])), {})
    if ended := state.get("terminated"):
        return End(ended["exitCode"], ended.get("message", "").strip() or ended.get("reason", ""))
    if pod["status"]["phase"] == "Failed":
        return End(None, pod["status"].get("message") or pod["status"].get("reason", "its pod failed"))
    seconds = time.monotonic() - task.since
    if seconds > (LIMIT if "running" in state else START):
        conditions = [item["message"] for item in pod["status"].get("conditions", []) if item.get("message")]
        waiting = state.get("waiting", {})
        reason = waiting.get("message") or waiting.get("reason") or "; ".join(conditions)
        return End(None, f"it did not {'end' if 'running' in state else 'start'} in {seconds:.0f} s: {reason}")
    return None


def remove_pod(name: str) -> None:
    """Remove a pod, if it is there, and wait until its name is free."""
    end = time.monotonic() + 60
    while "deletionTimestamp" in request("DELETE", CORE, f"pods/{name}", accept=(200, 202, 404)).get("metadata", {}):
        if time.monotonic() > end:
            return
        time.sleep(1)


def is_waiting(server: dict | None, pod: dict | None) -> bool:
    """Return whether a student's server waits for the claim that a run has on another node."""
    if not server or not pod or server["status"].get("phase") != "Pending":
        return False
    return server["spec"].get("nodeName") != pod["spec"].get("nodeName")


def run_tasks(tasks: list[Task]) -> Iterator[tuple[Task, End]]:
    """Run restic for each task, some at the same time. Yield how each ended."""
    waiting, running = list(tasks), dict[str, Task]()
    while waiting or running:
        servers = find_servers()
        while waiting and len(running) < AT_ONCE:
            task = waiting.pop(0)
            remove_pod(task.name)
            task.since, task.attempts = time.monotonic(), task.attempts + 1
            request("POST", CORE, "pods", describe_pod(task, servers.get(task.claim)))
            running[task.name] = task
        time.sleep(POLL)
        pods = {pod["metadata"]["name"]: pod for pod in list_items(f"pods?{PODS}")}
        servers = find_servers()
        for name, task in list(running.items()):
            pod = pods.get(name)
            ended = find_end(pod, task)
            if not ended and is_waiting(servers.get(task.claim), pod):
                ended = End(None, "the student starts a server, which goes first")
                if task.attempts < ATTEMPTS:
                    waiting.append(task)
            if ended:
                del running[name]
                remove_pod(name)
                if task not in waiting:
                    yield task, ended


def run_restic(name: str, *arguments: str) -> End:
    """Run restic once, without a home."""
    return next(run_tasks([Task(f"backup-{name}", list(arguments))]))[1]


def require(end: End, what: str) -> None:
    """Raise SystemExit with what restic says where a run has failed."""
    if end.status != 0:
        raise SystemExit(f"{what}: {end.said}")


def open_repository() -> None:
    """Make the repository where there is none. Raise SystemExit where it cannot be opened."""
    found = run_restic("open", "cat", "config", "--quiet")
    if found.status == NO_REPOSITORY:
        require(run_restic("init", "init"), "the repository cannot be made")
    else:
        require(found, "the repository cannot be opened")


def back_up(hub: str) -> list[str]:
    """Back up every claim. Return a line for each that failed."""
    claims = list_claims()
    common = ["backup", "--quiet", f"--host={hub}", "--retry-lock=10m"]
    tasks = [
        # A comma separates two tags.
        Task(f"backup-{number}", [*common, f"--tag={student.replace(',', '_')}", f"/homes/{claim}"], claim, student)
        for number, (claim, student) in enumerate(sorted(claims))
    ]
    failures = []
    for task, end in run_tasks(tasks):
        good = end.status in (0, PARTLY)
        note = f" (not all of it: {end.said})" if end.status == PARTLY else ""
        said = f"{task.claim} of {task.student}: " + (f"saved{note}" if good else f"NOT saved: {end.said}")
        print(said, flush=True)
        failures += [] if good else [said]
    print(f"{len(tasks) - len(failures)} of {len(tasks)} claims are saved", flush=True)
    return failures


def save(hub: str) -> list[str]:
    """Back up, forget and check. Return what failed."""
    for pod in list_items(f"pods?{PODS}"):
        remove_pod(pod["metadata"]["name"])
    open_repository()
    failures = back_up(hub)
    keep = os.environ["KEEP_DAILY"]
    forget = ["forget", "--quiet", f"--host={hub}", "--group-by=host,paths", f"--keep-daily={keep}", "--prune"]
    for name, arguments in ("forget", forget), ("check", ["check", "--quiet"]):
        end = run_restic(name, *arguments, "--retry-lock=10m")
        if end.status != 0:
            failures.append(f"restic {name}: {end.said}")
    if not failures:
        print("old backups are forgotten, and the repository is intact")
    return failures


def main() -> None:
    """Take snapshots and back up, whichever the values say. Raise SystemExit with all that failed."""
    failures = []
    if class_name := os.environ["SNAPSHOT_CLASS"]:
        failures += snapshot_homes.run(list_own_claims(), class_name, int(os.environ["KEEP_SNAPSHOTS"]))
    if os.environ["REPOSITORY"]:
        failures += save(os.environ["HUB"])
    if failures:
        raise SystemExit("\n".join(failures[-20:]))


if __name__ == "__main__":
    main()
