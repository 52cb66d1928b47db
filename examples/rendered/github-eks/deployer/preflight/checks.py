"""All checks of the cluster, in their order. They leave it as it was."""

import re
from collections.abc import Callable, Iterator

from deployer.cluster import kubectl
from deployer.paths import CHART
from deployer.preflight.findings import PROBLEM, Finding, ok, problem
from deployer.preflight.isolation import check_isolation
from deployer.preflight.namespace import check_namespace
from deployer.preflight.nodes import check_nodes, check_room
from deployer.preflight.storage import check_snapshots, check_storage
from deployer.process import find_tool, parse_json, run
from deployer.yaml_files import read_mapping


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


CHECKS: tuple[Callable[[str], Iterator[Finding]], ...] = (
    check_version,
    check_namespace,
    check_storage,
    check_snapshots,
    check_nodes,
    check_room,
)


def look(env: str, try_network: bool) -> Iterator[Finding]:
    """Yield the findings of all checks. Network policies take a minute, and are tried where nothing else fails."""
    failed = False
    for check in CHECKS:
        for finding in check(env):
            failed = failed or finding.level == PROBLEM
            yield finding
    yield from check_isolation(env, try_network and not failed)
