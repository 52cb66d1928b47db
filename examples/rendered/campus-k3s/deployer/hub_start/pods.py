"""What is wrong with the pods of students, before Kubernetes says so to a student."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from deployer import schemas
from deployer.values import find_source

SINGLEUSER = "jupyterhub.singleuser"
# Of a pod and its containers: what no guard reads, and differs from student to student.
IGNORED = ("affinity", "args", "command", "env", "lifecycle", "tolerations", "volumeMounts")
OF_POD = "the pod of "
KEY = re.compile(rf"^({OF_POD}\S+: )?\S+: ")
# Of volumes and containers, which the schemas do not check.
NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def list_messages(env: str, made: list[dict[str, Any]]) -> list[str]:
    """Return a message for each mistake, at the first profile or choice that has it."""
    messages: dict[str, str] = {}
    for item in made:
        for problem in [item["error"]] if "error" in item else list_problems(item["pod"]):
            path = tuple(int(part) if part.isdecimal() else part for part in re.split(r"[.\[\]]+", item["key"]) if part)
            where = f"{find_source(env, path[:3])}{item['key']}"
            also = ", or in jupyterhub.hub.config.KubeSpawner" if item["key"].startswith(SINGLEUSER) else ""
            messages.setdefault(problem, f"{where}: no server would start ({problem}). Correct it there{also}.")
    return list(messages.values())


def list_specs(made: list[dict[str, Any]]) -> dict[str, Any]:
    """Return by its profile or choice what the guards read of each pod, without equal ones."""
    specs: dict[str, Any] = {}
    for item in made:
        spec = {key: value for key, value in item.get("pod", {}).get("spec", {}).items() if key not in IGNORED}
        for kind in ("containers", "initContainers"):
            # The chart's own container that blocks the metadata server is privileged.
            spec[kind] = [
                {key: value for key, value in container.items() if key not in IGNORED}
                for container in spec.get(kind) or []
                if container["name"] != "block-cloud-metadata"
            ]
        if spec["containers"] and spec not in specs.values():
            specs[f"{item['key']}{' ' * (item['key'] in specs)}"] = spec
    return specs


def drop_repeated(lines: list[str]) -> list[str]:
    """Leave out each message on a pod that says the same as one before it, of a value or of another pod."""
    seen: set[str] = set()
    kept = []
    for line in lines:
        sentence = KEY.sub("", line)
        if not (line.startswith(OF_POD) and sentence in seen):
            kept.append(line)
        seen.add(sentence)
    return kept


def list_problems(pod: dict[str, Any]) -> Iterator[str]:
    """Yield what Kubernetes would reject in a pod."""
    if mistake := schemas.find_mistake(pod, schemas.KUBERNETES[-1]):
        yield mistake
        return
    spec = pod["spec"]
    volumes = [volume["name"] for volume in spec.get("volumes") or []]
    containers = [*(spec.get("initContainers") or []), *spec["containers"]]
    for kind, names in (("volume", volumes), ("container", [container["name"] for container in containers])):
        for name, number in Counter(names).items():
            if number > 1:
                yield f"two {kind}s have the name '{name}'"
            if not NAME.fullmatch(name):
                yield f"the {kind} '{name}' needs a name of lower-case letters, digits and hyphens, 63 at most"
    for container in containers:
        mounts = container.get("volumeMounts") or []
        for mount in mounts:
            if (sub_path := mount.get("subPath", "")).startswith("/") or ".." in sub_path.split("/"):
                yield f"the container '{container['name']}' mounts the folder {sub_path}, which begins with / or has .."
            if mount["name"] not in volumes:
                yield f"the container '{container['name']}' mounts the volume '{mount['name']}', which there is not"
        for path, number in Counter(mount["mountPath"] for mount in mounts).items():
            if number > 1:
                yield f"the container '{container['name']}' mounts two volumes at {path}"
            if not path.startswith("/"):
                yield f"the container '{container['name']}' mounts a volume at {path}, which does not begin with /"
