"""The pods of students' servers: which belongs to whom, what it uses, and what happened to it."""

import re
from dataclasses import dataclass, replace
from typing import Any

from deployer import chart, units
from deployer.cluster import kubectl
from deployer.cluster.diagnose import find_time
from deployer.process import find_tool, parse_json, run
from deployer.yaml_files import find_value

Pod = dict[str, Any]
# The annotations of KubeSpawner.
USER, SERVER = "hub.jupyter.org/username", "hub.jupyter.org/servername"
# Of a log that are read.
LINES = 50
# The memory of the container's control group, version 2 or 1, and how full the file system of its home is.
MEASURE = """
cat /sys/fs/cgroup/memory.current /sys/fs/cgroup/memory/memory.usage_in_bytes 2>/dev/null
cat /sys/fs/cgroup/memory.stat /sys/fs/cgroup/memory/memory.stat 2>/dev/null | grep inactive_file
df -P -k "$1" | tail -n 1
"""
# The files of a home, in KiB, where they are counted within some seconds.
COUNT = 'timeout 10 du -sxk "$1" 2>/dev/null || :'
# A file system that is so many times as large as the volume that was asked for is not this volume's own.
LARGER = 1.5


@dataclass(frozen=True)
class Usage:
    """What a server uses, in bytes: memory that cannot be reclaimed, and of the file system that has the home.

    `has_limit` says whether this file system is the home's alone. If it is not, `files` is what the home's files use;
    None where that is not known.
    """

    memory: int
    home: int
    home_size: int
    has_limit: bool = True
    files: int | None = None

    @property
    def home_percent(self) -> int:
        """How full the file system of the home is."""
        return round(100 * self.home / self.home_size) if self.home_size else 0


def read_owner(item: dict[str, Any]) -> tuple[str, str]:
    """Return the user of a pod or volume claim, as the hub knows it, and the name of the server; '' is the default."""
    metadata = item["metadata"]
    annotations, labels = metadata.get("annotations") or {}, metadata.get("labels") or {}
    user = annotations.get(USER) or labels.get(USER) or metadata["name"]
    return str(user), str(annotations.get(SERVER, ""))


def find_pod(env: str, user: str) -> Pod | None:
    """Return the pod of a user's server; None where there is none."""
    return next((pod for pod in kubectl.list_servers(env) if read_owner(pod) == (user, "")), None)


def find_container(pod: Pod) -> dict[str, Any]:
    """Return the specification of the container that is the server."""
    container: dict[str, Any] = pod["spec"]["containers"][0]
    return container


def find_state(pod: Pod) -> dict[str, Any]:
    """Return what Kubernetes says of the server's container; an empty mapping before there is one."""
    name = find_container(pod)["name"]
    states: list[dict[str, Any]] = pod["status"].get("containerStatuses") or []
    return next((state for state in states if state["name"] == name), {})


def read_limit(pod: Pod) -> int:
    """Return the memory limit of a server in bytes; 0 for none."""
    limits = (find_container(pod).get("resources") or {}).get("limits") or {}
    return int(units.parse_quantity(limits.get("memory", "0")))


def describe_memory(used: int, pod: Pod | None) -> str:
    """Return how much memory a server uses, 0 where that is not known, against its limit."""
    limit = read_limit(pod) if pod else 0
    words = units.format_size(used) if used else "-"
    if limit:
        words += f" of {units.format_memory(limit)}"
    return f"{words} ({round(100 * used / limit)} %)" if used and limit else words


def list_claims(pod: Pod) -> dict[str, str]:
    """Return the volume claims of a pod, by the names of its volumes."""
    volumes = pod["spec"].get("volumes") or []
    return {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in volumes
        if "persistentVolumeClaim" in volume
    }


def find_mount(pod: Pod) -> dict[str, Any]:
    """Return where the first volume claim is mounted in a server; an empty mapping for none."""
    claims = list_claims(pod)
    mounts: list[dict[str, Any]] = find_container(pod).get("volumeMounts") or []
    return next((mount for mount in mounts if mount["name"] in claims), {})


def find_home(pod: Pod) -> str:
    """Return the path of the home in a server. An empty text where its files are not kept."""
    return str(find_mount(pod).get("mountPath", ""))


def is_shared(pod: Pod) -> bool:
    """Return whether the home is a folder of a volume that all students share."""
    return "subPath" in find_mount(pod)


def read_home_size(env: str, pod: Pod) -> int:
    """Return the bytes of the volume that is the home, as its claim says; 0 where that is not known."""
    claim = list_claims(pod).get(str(find_mount(pod).get("name")), "")
    found = kubectl.read_object(env, "persistentvolumeclaim", claim) if claim else {}
    size = find_value(found, "status", "capacity", "storage")
    return int(units.parse_quantity(str(size or find_value(found, "spec", "resources", "requests", "storage") or "0")))


def measure_usage(env: str, pod: Pod) -> Usage | None:
    """Return what a running server uses; None where it cannot be asked, or its files are not kept."""
    home = find_home(pod) or "/"
    usage = parse_usage(run_in_server(env, pod, MEASURE, home))
    if not usage or has_own_limit(usage, pod, read_home_size(env, pod)):
        return usage
    files = re.match(r"(\d+)\s", run_in_server(env, pod, COUNT, home))
    return replace(usage, has_limit=False, files=int(files[1]) * 1024 if files else None)


def run_in_server(env: str, pod: Pod, script: str, *arguments: str) -> str:
    """Return what a shell prints in a server; an empty text where it fails, or may not be run."""
    command = ["exec", pod["metadata"]["name"], f"--container={find_container(pod)['name']}", "--", "sh", "-c", script]
    done = kubectl.run_kubectl(env, *command, "sh", *arguments)
    return done.stdout if done.returncode == 0 else ""


def has_own_limit(usage: Usage, pod: Pod, size: int) -> bool:
    """Return whether the file system of a home is the home's alone. `size` is what its claim says, 0 for unknown.

    A volume can be a folder, of a node or of a file server, which ends only where the whole disk does.
    """
    return not is_shared(pod) and (not size or usage.home_size <= LARGER * size)


def parse_usage(text: str) -> Usage | None:
    """Return what MEASURE prints; None where it is something else."""
    memory = re.search(r"^(\d+)$", text, re.M)
    cached = re.search(r"^total_inactive_file (\d+)$", text, re.M) or re.search(r"^inactive_file (\d+)$", text, re.M)
    disk = re.search(r"^\S.* (\d+) +(\d+) +\d+ +\d+% ", text, re.M)
    if not memory or not disk:
        return None
    used = int(memory[1]) - (int(cached[1]) if cached else 0)
    return Usage(used, int(disk[2]) * 1024, int(disk[1]) * 1024)


def read_all_memory(env: str) -> dict[str, int]:
    """Return the memory of each pod in bytes, by its name; empty where the cluster does not measure it."""
    path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{chart.name_release(env)}/pods"
    return parse_metrics(parse_json(run(find_tool("kubectl"), "get", "--raw", path)))


def parse_metrics(found: dict[str, Any]) -> dict[str, int]:
    """Return the memory of each pod in bytes from a PodMetricsList."""
    return {
        item["metadata"]["name"]: sum(int(units.parse_quantity(one["usage"]["memory"])) for one in item["containers"])
        for item in found.get("items", [])
    }


def list_events(env: str, name: str, pod: Pod | None = None) -> list[dict[str, Any]]:
    """Return the events of the pod of this name and of its volume claims, oldest first.

    Where the pod is given, those of an earlier one with its name are left out.
    """
    claims = list_claims(pod).values() if pod else ()

    def belongs(to: dict[str, Any]) -> bool:
        if to.get("kind") == "Pod":
            return to.get("name") == name and (not pod or to.get("uid") == pod["metadata"]["uid"])
        return to.get("kind") == "PersistentVolumeClaim" and to.get("name") in claims

    return sorted((one for one in kubectl.list_objects(env, "events") if belongs(one["involvedObject"])), key=find_time)


def read_log(env: str, pod: Pod) -> str:
    """Return the end of a server's log; of the run before, where the container waits to be restarted."""
    command = ["logs", pod["metadata"]["name"], f"--container={find_container(pod)['name']}", f"--tail={LINES}"]
    for options in [["--previous"], []] if "waiting" in find_state(pod).get("state", {}) else [[]]:
        done = kubectl.run_kubectl(env, *command, *options)
        if done.returncode == 0 and done.stdout:
            return done.stdout
    return ""


def look_at(env: str, pod: Pod) -> tuple[Usage | None, list[dict[str, Any]], str]:
    """Return what a server uses, its events, and the end of its log."""
    usage = measure_usage(env, pod) if "running" in find_state(pod).get("state", {}) else None
    return usage, list_events(env, pod["metadata"]["name"], pod), read_log(env, pod)


def guess_pod_name(env: str, user: str) -> str:
    """Return the name that the pod of a user had: KubeSpawner names pod and volume claim by the same scheme."""
    for claim in kubectl.list_objects(env, "persistentvolumeclaims"):
        name = claim["metadata"]["name"]
        if read_owner(claim) == (user, "") and name.startswith("claim-"):
            return f"jupyter-{name.removeprefix('claim-')}"
    return f"jupyter-{user}"
