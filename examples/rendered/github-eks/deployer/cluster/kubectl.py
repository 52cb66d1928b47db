"""kubectl, in the namespace of an environment."""

import json
import re
import time
from collections.abc import Mapping
from typing import Any

from deployer import chart
from deployer.errors import UserError
from deployer.process import Done, find_tool, parse_json, run

POD_SECURITY = "pod-security.kubernetes.io/enforce"
# What Pod Security `restricted` requires of a container; of its user it requires that it is not root.
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def now() -> str:
    """Return this moment, as Kubernetes writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def run_kubectl(env: str, *arguments: str, text: str | None = None) -> Done:
    """Run kubectl in the namespace of an environment."""
    return run_in(chart.name_release(env), *arguments, text=text)


def run_in(namespace: str, *arguments: str, text: str | None = None) -> Done:
    """Run kubectl in a namespace."""
    return run(find_tool("kubectl"), "--namespace", namespace, *arguments, text=text)


def read_object(env: str, *arguments: str) -> dict[str, Any]:
    """Return the object that `kubectl get` finds; an empty one where there is none, or no right to see it."""
    return parse_json(run_kubectl(env, "get", *arguments, "--output=json"))


def list_objects(env: str, *arguments: str) -> list[dict[str, Any]]:
    """Return the objects that `kubectl get` finds."""
    found = read_object(env, *arguments)
    items: list[dict[str, Any]] = found.get("items", [found] if found else [])
    return items


def create(env: str, item: dict[str, Any], *options: str) -> Done:
    """Create an object in the namespace of an environment."""
    return create_in(chart.name_release(env), item, *options)


def create_in(namespace: str, item: dict[str, Any], *options: str) -> Done:
    """Create an object in a namespace."""
    return run_in(namespace, "create", "--filename=-", *options, text=json.dumps(item))


def build_pod(name: str, container: dict[str, Any], labels: Mapping[str, str] | None = None, **spec: Any) -> Any:
    """Return a pod that runs one container once, and has no rights in the cluster. `spec` is the rest of its spec."""
    own = {"restartPolicy": "Never", "automountServiceAccountToken": False, "containers": [container]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": dict(labels or {})},
        "spec": own | spec,
    }


def create_namespace(name: str, *options: str, **labels: str) -> Done:
    """Create a namespace, with these labels and that of Pod Security."""
    metadata = {"name": name, "labels": {**labels, POD_SECURITY: "restricted"}}
    return create_in(name, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}, *options)


def explain_unreachable(done: Done) -> UserError:
    """Return the error for a kubectl that reaches no cluster: its last line, for the ones before are its log."""
    lines = [line for line in done.stderr.splitlines() if line.strip() and not re.match(r"[EWI]\d{4} ", line)]
    why = lines[-1] if lines else "it gives no reason"
    return UserError(f"kubectl reaches no cluster: {why}; docs/cluster.md has its credentials")


def require_access(env: str) -> None:
    """Raise UserError where there is no cluster, or no right to use the namespace."""
    done = run_kubectl(env, "auth", "can-i", "get", "secrets")
    if done.stdout.strip() == "no":
        name = chart.name_release(env)
        raise UserError(
            f"kubectl reaches the cluster, but may not use the namespace {name}: your account cannot read its secrets. "
            "docs/cluster.md says who may, docs/students.md what a teaching assistant can do"
        )
    if done.returncode:
        raise explain_unreachable(done)


def list_volumes(env: str) -> list[dict[str, Any]]:
    """Return the volumes whose claims are, or were, in the namespace."""
    name = chart.name_release(env)
    found = list_objects(env, "persistentvolumes")
    return [item for item in found if (item["spec"].get("claimRef") or {}).get("namespace") == name]


def list_servers(env: str) -> list[dict[str, Any]]:
    """Return the pods of the students' servers."""
    return list_objects(env, "pods", "--selector=component=singleuser-server")
