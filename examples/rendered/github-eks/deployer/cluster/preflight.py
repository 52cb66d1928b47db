"""Checks of the cluster: settings that would fail there, or work differently than the values say."""

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import yaml

from deployer import chart, course, units, values
from deployer.cluster import capacity, kubectl, network_policy, snapshots
from deployer.cluster.snapshots import DEFAULT_CLASS
from deployer.paths import CHART
from deployer.process import find_tool, parse_json, run
from deployer.yaml_files import find_value, read_mapping

# The levels of Pod Security, and which one a name in `course.allow` needs.
LEVELS = ("privileged", "baseline", "restricted")
NEEDED = {"host-network": "privileged", "host-path": "privileged", "privileged": "privileged", "root-user": "baseline"}


class Finding(NamedTuple):
    """What a check has found: `ok`, a `note` for people, or a `PROBLEM` that stops a deploy."""

    level: str
    sentence: str


PROBLEM = "PROBLEM"
ok, note, problem = (partial(Finding, level) for level in ("ok", "note", PROBLEM))


def check_version(_: str) -> Iterator[Finding]:
    """Check that Kubernetes is new enough for the chart."""
    done = run(find_tool("kubectl"), "version", "--output=json")
    server = parse_json(done).get("serverVersion")
    if not server:
        raise kubectl.explain_unreachable(done)
    required = re.findall(r"1\.(\d+)", read_mapping(CHART / "Chart.yaml")["kubeVersion"])[0]
    if int(re.findall(r"\d+", server["minor"])[0]) < int(required):
        yield problem(f"Kubernetes is {server['gitVersion']}, and chart/Chart.yaml requires 1.{required}: upgrade it")
    else:
        yield ok(f"Kubernetes {server['gitVersion']}")


def check_namespace(env: str) -> Iterator[Finding]:
    """Check that the namespace is there and labelled, or create it: the later checks try things in it."""
    name = chart.name_release(env)
    level = "restricted"
    if found := kubectl.read_object(env, "namespace", name):
        level = found["metadata"].get("labels", {}).get(kubectl.POD_SECURITY)
        if level:
            yield ok(f"the namespace {name} is there, its pods are held to Pod Security '{level}'")
        else:
            yield note(
                f"the namespace {name} has no Pod Security label; let an administrator run "
                f"`kubectl label namespace {name} {kubectl.POD_SECURITY}=restricted`"
            )
    elif (created := kubectl.create_namespace(env)).returncode == 0:
        yield ok(f"the namespace {name} was created, its pods are held to Pod Security 'restricted'")
    else:
        yield problem(
            f"the namespace {name} is missing and cannot be created: {created.stderr.strip()}; "
            "let an administrator apply cluster/deployer.yaml"
        )
        return
    yield from compare_pod_security(env, level)


def compare_pod_security(env: str, level: str | None) -> Iterator[Finding]:
    """Check that the label of the namespace admits what `course.allow` lets students' servers have."""
    allowed = find_value(values.read_values(env), "course", "allow") or []
    names = {name: LEVELS.index(NEEDED[name]) for name in allowed if name in NEEDED}
    widest = min(names.values(), default=len(LEVELS))
    if level in LEVELS and LEVELS.index(level) > widest:
        yield problem(
            f"course.allow: {', '.join(names)}: the namespace has the Pod Security label '{level}', which rejects such "
            "servers. Remove it, or let an administrator run `kubectl label --overwrite namespace "
            f"{chart.name_release(env)} {kubectl.POD_SECURITY}={LEVELS[widest]}`"
        )


def list_storage_classes(found: Any) -> list[tuple[str, str | None]]:
    """Return the keys of the values that name a storage class, with the name; None for the default one."""
    wanted = []
    database = find_value(found, "jupyterhub", "hub", "db") or {}
    if database.get("type", "sqlite-pvc") == "sqlite-pvc":
        wanted.append(("jupyterhub.hub.db.pvc.storageClassName", find_value(database, "pvc", "storageClassName")))
    storage = find_value(found, "jupyterhub", "singleuser", "storage") or {}
    if storage.get("type", "dynamic") == "dynamic":
        key = "jupyterhub.singleuser.storage.dynamic.storageClass"
        wanted.append((key, find_value(storage, "dynamic", "storageClass")))
    return wanted


def check_storage(env: str) -> Iterator[Finding]:
    """Check that the storage classes that the values name are there, or a default one."""
    listed = kubectl.run_kubectl(env, "get", "storageclasses", "--output=json")
    if listed.returncode:
        yield note(f"storage classes were not checked: {listed.stderr.strip()}")
        return
    classes = {item["metadata"]["name"]: item["metadata"] for item in json.loads(listed.stdout)["items"]}
    names = ", ".join(sorted(classes))
    default = [name for name, item in classes.items() if (item.get("annotations") or {}).get(DEFAULT_CLASS) == "true"]
    for key, name in list_storage_classes(values.read_values(env)):
        if name and name not in classes:
            yield problem(f"{key} is {name}; the cluster has {names or 'no storage class'}")
        elif not name and not default:
            yield problem(
                f"the cluster has no default storage class: set {key} to one that it has, {names or 'none'}, "
                f"or mark one: kubectl annotate storageclass NAME {DEFAULT_CLASS}=true"
            )
        else:
            yield ok(f"volumes come from the storage class {name or default[0]} ({key})")


def check_snapshots(env: str) -> Iterator[Finding]:
    """Check that the cluster can take snapshots of homes, where the values say so."""
    if name := snapshots.read_class(env):
        key = ("jupyterhub", "singleuser", "storage", "dynamic", "storageClass")
        storage_class = str(find_value(values.read_values(env), *key) or "")
        gap = snapshots.find_gap(env, name, storage_class) or snapshots.find_missing_rights(env)
        yield problem(gap) if gap else ok(f"snapshots of homes are taken with the class {name}")


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
    node = course.read_course(env).node
    selected = find_value(values.read_values(env), "jupyterhub", "singleuser", "nodeSelector") or {}
    wanted = {capacity.PURPOSE: "user", **{key: value for key, value in selected.items() if key == course.POOL_LABEL}}
    items = json.loads(listed.stdout)["items"]
    pool = [item for item in items if wanted.items() <= item["metadata"].get("labels", {}).items()] or items
    if not pool:
        yield note("there is no node now; course.node was not checked")
    for item in pool:
        name = item["metadata"]["name"]
        if less := describe_shortage(node, item["status"]["allocatable"]):
            yield note(f"the node {name} has less than course.node in config/hub.yaml says: {'; '.join(less)}")
        else:
            yield ok(f"the node {name} has what course.node says")
    if len(pool) > node.max:
        yield note(f"there are {len(pool)} nodes for students; course.node.max is {node.max}")


def check_privileged(env: str) -> Iterator[Finding]:
    """Check that the cluster admits a privileged init container, where the values have one."""
    user = find_value(values.read_values(env), "jupyterhub", "singleuser") or {}
    if find_value(user, "cloudMetadata", "blockWithIptables") is False:
        yield ok("no privileged container is needed")
        return
    container = {"name": "try", "image": "none.invalid/try:1", "securityContext": {"privileged": True, "runAsUser": 0}}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "preflight-privileged"},
        "spec": {"initContainers": [container], "containers": [{"name": "main", "image": "none.invalid/try:1"}]},
    }
    tried = kubectl.create(env, pod, "--dry-run=server")
    if tried.returncode:
        yield problem(
            "the cluster does not admit privileged init containers, with which the chart keeps students from the "
            f"cloud's metadata: {tried.stderr.strip()}\n         Set jupyterhub.singleuser.cloudMetadata."
            "blockWithIptables: false in config/hub.yaml; the network policy keeps them out as well"
        )
    else:
        yield ok("privileged init containers are admitted")


def check_network_policies(env: str) -> Iterator[Finding]:
    """Check that the cluster enforces network policies."""
    result = network_policy.test(env)
    if result == network_policy.ENFORCED:
        yield ok("network policies are enforced")
    elif result == network_policy.IGNORED:
        yield problem(
            "network policies are not enforced: students would reach the proxy's API and each other. Give the "
            "cluster a network plugin that enforces them (docs/cluster.md)"
        )
    else:
        yield note(f"network policies were not tried: {result}")


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
    workloads = [item for item in yaml.safe_load_all(chart.render(env)) if item and item["kind"] == "Deployment"]
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


CHECKS: tuple[Callable[[str], Iterator[Finding]], ...] = (
    check_version,
    check_namespace,
    check_storage,
    check_snapshots,
    check_nodes,
    check_room,
    check_privileged,
)


def look(env: str, try_network: bool) -> Iterator[Finding]:
    """Yield the findings of all checks. Network policies take a minute, and are tried where nothing else fails."""
    failed = False
    for check in CHECKS:
        for finding in check(env):
            failed = failed or finding.level == PROBLEM
            yield finding
    if try_network and not failed:
        yield from check_network_policies(env)
