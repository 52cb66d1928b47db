"""Checks of the nodes: what they have, how many there are, and whether the hub's own pods have room."""

import json
from collections.abc import Iterator
from dataclasses import replace

from deployer import chart, course, seats, units, values
from deployer.cluster import capacity
from deployer.preflight.findings import Finding, note, ok, problem
from deployer.process import find_tool, parse_json, run
from deployer.yaml_files import find_value, read_objects


def describe_shortage(node: course.Node, allocatable: dict[str, str]) -> list[str]:
    """Return what a node of the cluster has less than `course.node` says."""
    memory, cpu, pods = (units.parse_quantity(allocatable[name]) for name in ("memory", "cpu", "pods"))
    lines = []
    if memory < node.memory:
        lines.append(f"memory {memory / 2**30:.1f}G, not {units.format_memory(node.memory)}")
    if cpu < (node.cpu or 0):
        lines.append(f"cpu {cpu:g}, not {node.cpu:g}")
    if pods < (node.pods or 0):
        lines.append(f"pods {pods:g}, not {node.pods}")
    return lines


def check_nodes(env: str) -> Iterator[Finding]:
    """Check that nodes have what `course.node` says."""
    listed = run(find_tool("kubectl"), "get", "nodes", "--output=json")
    if listed.returncode:
        yield note(f"nodes were not checked: {listed.stderr.strip()}")
        return
    found = course.read_course(env)
    node = found.node
    selected = find_value(values.read_values(env), "jupyterhub", "singleuser", "nodeSelector") or {}
    wanted = {capacity.PURPOSE: "user", **{key: value for key, value in selected.items() if key == course.POOL_LABEL}}
    items = json.loads(listed.stdout)["items"]
    pool = [item for item in items if wanted.items() <= item["metadata"].get("labels", {}).items()] or items
    if not pool:
        yield note("the cluster has no node now, so course.node was not checked")
    for item in pool:
        name = item["metadata"]["name"]
        if less := describe_shortage(node, item["status"]["allocatable"]):
            yield note(f"the node {name} has less than course.node in config/hub.yaml says: {'; '.join(less)}")
        else:
            yield ok(f"the node {name} has what course.node says")
    yield from compare_number(len(pool), found)


def compare_number(number: int, found: course.Course) -> Iterator[Finding]:
    """Compare the number of the nodes for students with course.node.max, from which the seats are counted."""
    there, most = units.format_count(number, "node"), found.node.max
    if number > most:
        yield note(f"students have {there}; course.node.max is {most}")
    if number >= most or (can_grow := has_autoscaler()):
        return
    today = seats.count_course_seats(replace(found, node=replace(found.node, max=number))).total
    found_none = "and no autoscaler was found" if can_grow is False else "and an autoscaler may not be looked for"
    yield note(
        f"students have {there}, course.node.max is {most}, {found_none}: today's nodes have "
        f"{units.format_count(today, 'seat')}, and course.peak is {found.peak}. Add nodes, or lower course.node.max"
    )


def has_autoscaler() -> bool | None:
    """Return whether something adds nodes to the cluster; None where this account may not look.

    The cluster autoscaler, that of GKE and AKS too, writes its status into a ConfigMap. Karpenter has NodePools.
    """
    kubectl_command = find_tool("kubectl")
    status = run(kubectl_command, "--namespace=kube-system", "get", "configmap", "cluster-autoscaler-status")
    pools = run(kubectl_command, "get", "nodepools.karpenter.sh", "--output=name")
    if status.returncode == 0 or pools.stdout.strip():
        return True
    return None if "(Forbidden)" in status.stderr + pools.stderr else False


def check_room(env: str) -> Iterator[Finding]:
    """Check that the nodes have room for the pods of the hub itself."""
    listed = run(find_tool("kubectl"), "get", "nodes", "--output=json")
    everything = run(find_tool("kubectl"), "get", "pods", "--all-namespaces", "--output=json")
    if listed.returncode:
        yield note(f"the room for the hub's own pods was not checked: {listed.stderr.strip()}")
        return
    if everything.returncode:
        yield note("the room for the hub's own pods was compared with empty nodes: this account cannot list all pods")
    namespace = chart.name_release(env)
    # The hub's own pods are replaced, and students' servers are not the hub's to move.
    own = {"hub", "proxy", "autohttps", "user-scheduler"}
    pods = [
        pod
        for pod in parse_json(everything).get("items", [])
        if pod["metadata"]["namespace"] != namespace or pod["metadata"].get("labels", {}).get("component") not in own
    ]
    # A deploy has built it; `make preflight` has not.
    chart.build_dependency()
    workloads = [item for item in read_objects(chart.render(env)) if item["kind"] == "Deployment"]
    unplaced = capacity.find_unplaced(workloads, parse_json(listed)["items"], pods)
    for name, requests in unplaced:
        yield problem(
            f"no node has room for the pod `{name}`, which requests {requests}: add a node, or lower the requests "
            "under jupyterhub in config/hub.yaml (docs/cluster.md)"
        )
    if not unplaced:
        yield ok(
            f"the nodes have room for the hub's own pods ({', '.join(item['metadata']['name'] for item in workloads)})"
        )
