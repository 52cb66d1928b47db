"""Room on the nodes for the pods of the hub itself: what they request, and what is free."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from deployer import units

PURPOSE = "hub.jupyter.org/node-purpose"
RESOURCES = ("cpu", "memory")


@dataclass(frozen=True)
class Requests:
    """What a pod requests, or what a node has: processors and bytes."""

    cpu: float
    memory: float

    def __sub__(self, other: "Requests") -> "Requests":
        """Return what is left."""
        return Requests(self.cpu - other.cpu, self.memory - other.memory)

    def fits(self, room: "Requests") -> bool:
        """Return whether this fits into a room. Sums of quantities are floats, so a thousandth does not count."""
        return self.cpu <= room.cpu + 1e-3 and self.memory <= room.memory

    def __str__(self) -> str:
        """Return the amounts in Kubernetes' units."""
        return f"{self.cpu:g} CPU and {self.memory / 2**20:.0f}Mi"


def sum_requests(spec: dict[str, Any]) -> Requests:
    """Return what the containers of a pod request together. Init containers of the hub's pods request less."""
    total = dict.fromkeys(RESOURCES, 0.0)
    for container in spec.get("containers", []):
        requests = (container.get("resources") or {}).get("requests") or {}
        for name in RESOURCES:
            total[name] += units.parse_quantity(str(requests.get(name, "0")))
    return Requests(total["cpu"], total["memory"])


def read_allocatable(node: dict[str, Any]) -> Requests:
    """Return what a node has for pods."""
    found = node["status"]["allocatable"]
    return Requests(units.parse_quantity(found["cpu"]), units.parse_quantity(found["memory"]))


def requires_core_node(spec: dict[str, Any]) -> bool:
    """Return whether a pod runs only on nodes whose purpose is `core`."""
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    return any(
        expression.get("key") == PURPOSE
        for term in required.get("nodeSelectorTerms", [])
        for expression in term.get("matchExpressions", [])
    )


def measure_room(nodes: Iterable[dict[str, Any]], pods: Iterable[dict[str, Any]]) -> dict[str, Requests]:
    """Return what is free on each node that takes new pods, by its name, without any hub's placeholders."""
    room = {node["metadata"]["name"]: read_allocatable(node) for node in nodes if not node["spec"].get("unschedulable")}
    for pod in pods:
        name = pod["spec"].get("nodeName")
        # Kubernetes evicts a pod of a lower priority for one of the hub, whose priority is 0 or more.
        stays = pod["spec"].get("priority", 0) >= 0 and pod["status"].get("phase") not in ("Succeeded", "Failed")
        if name in room and stays:
            room[name] -= sum_requests(pod["spec"])
    return room


def find_unplaced(
    workloads: Iterable[dict[str, Any]], nodes: Iterable[dict[str, Any]], pods: Iterable[dict[str, Any]]
) -> list[tuple[str, Requests]]:
    """Return the Deployments for whose pods no node has room, largest first, with what one pod requests.

    `pods` are those that stay: without the hub's own, which the upgrade replaces.
    """
    nodes = list(nodes)
    room = measure_room(nodes, pods)
    core = {node["metadata"]["name"] for node in nodes if node["metadata"].get("labels", {}).get(PURPOSE) == "core"}
    unplaced = []
    wanted = [(sum_requests(item["spec"]["template"]["spec"]), item) for item in workloads]
    for requests, item in sorted(wanted, key=lambda pair: pair[0].memory, reverse=True):
        candidates = core if requires_core_node(item["spec"]["template"]["spec"]) else set(room)
        for _ in range(item["spec"].get("replicas", 1)):
            fitting = [name for name in sorted(candidates & set(room)) if requests.fits(room[name])]
            if not fitting:
                unplaced.append((item["metadata"]["name"], requests))
                break
            room[fitting[0]] -= requests
    return unplaced
