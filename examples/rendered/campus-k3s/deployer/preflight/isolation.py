"""Checks that create pods, or would: what the cluster admits, and whether it enforces network policies."""

from collections.abc import Iterator

from deployer import values
from deployer.cluster import kubectl, network_policy
from deployer.preflight import namespace
from deployer.preflight.findings import Finding, note, ok, problem
from deployer.yaml_files import find_value


def check_isolation(env: str, try_network: bool) -> Iterator[Finding]:
    """Check what keeps students apart: without a namespace of the hub, in one that is there for the check only."""
    user = find_value(values.read_values(env), "jupyterhub", "singleuser") or {}
    is_privileged = find_value(user, "cloudMetadata", "blockWithIptables") is not False
    if not is_privileged:
        yield ok("no privileged container is needed")
    if not is_privileged and not try_network:
        return
    with namespace.borrow_namespace(env) as (name, reason):
        if reason:
            yield note(f"privileged containers and network policies were not tried: {reason}")
            return
        if is_privileged:
            yield from check_privileged(name)
        if try_network:
            yield from check_network_policies(env, name)


def check_privileged(name: str) -> Iterator[Finding]:
    """Check that a namespace admits a privileged init container."""
    container = {"name": "try", "image": "none.invalid/try:1", "securityContext": {"privileged": True, "runAsUser": 0}}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "preflight-privileged"},
        "spec": {"initContainers": [container], "containers": [{"name": "main", "image": "none.invalid/try:1"}]},
    }
    tried = kubectl.create_in(name, pod, "--dry-run=server")
    if tried.returncode:
        yield problem(
            "the cluster does not admit privileged init containers, with which the chart keeps students from the "
            f"cloud's metadata: {tried.stderr.strip()}\n         Set jupyterhub.singleuser.cloudMetadata."
            "blockWithIptables: false in config/hub.yaml; the network policy keeps them out as well"
        )
    else:
        yield ok("privileged init containers are admitted")


def check_network_policies(env: str, name: str) -> Iterator[Finding]:
    """Check that the cluster enforces network policies, in a namespace."""
    result = network_policy.test(env, name)
    if result == network_policy.ENFORCED:
        yield ok("network policies are enforced")
    elif result == network_policy.IGNORED:
        yield problem(
            "network policies are not enforced: students would reach the proxy's API and each other. Give the "
            "cluster a network plugin that enforces them (docs/cluster.md)"
        )
    else:
        yield note(f"network policies were not tried: {result}")
