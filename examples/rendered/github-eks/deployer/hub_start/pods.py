"""What is wrong with the pods of students, before Kubernetes says so to a student."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from deployer import schemas
from deployer.values import find_source

# Of volumes and containers, which the schemas do not check.
NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def list_messages(env: str, made: list[dict[str, Any]]) -> list[str]:
    """Return a message for each mistake, at the first profile or choice that has it."""
    messages: dict[str, str] = {}
    for item in made:
        for problem in [item["error"]] if "error" in item else list_problems(item["pod"]):
            path = tuple(int(part) if part.isdecimal() else part for part in re.split(r"[.\[\]]+", item["key"]) if part)
            where = f"{find_source(env, path[:3])}{item['key']}"
            messages.setdefault(
                problem,
                f"{where}: no server would start ({problem}). Correct it there, or in "
                "jupyterhub.hub.config.KubeSpawner.",
            )
    return list(messages.values())


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
            if mount["name"] not in volumes:
                yield f"the container '{container['name']}' mounts the volume '{mount['name']}', which there is not"
        for path, number in Counter(mount["mountPath"] for mount in mounts).items():
            if number > 1:
                yield f"the container '{container['name']}' mounts two volumes at {path}"
            if not path.startswith("/"):
                yield f"the container '{container['name']}' mounts a volume at {path}, which does not begin with /"
