"""Where people reach the hub, and what DNS has to learn."""

import socket

from deployer import chart, values
from deployer.cluster import kubectl


def list_hosts(env: str) -> list[str]:
    """Return the host names that people type."""
    return list(dict.fromkeys(values.list_hosts(values.read_values(env))))


def list_addresses(env: str) -> list[str]:
    """Return the addresses at which the cluster answers for the hub."""
    found = []
    for kind in ("service/proxy-public", "ingress", "gateway"):
        for item in kubectl.list_objects(env, kind):
            status = item.get("status", {})
            for entry in (status.get("loadBalancer", {}).get("ingress") or []) + (status.get("addresses") or []):
                found.append(entry.get("ip") or entry.get("hostname") or entry.get("value"))
    return list(dict.fromkeys(filter(None, found)))


def resolve(host: str) -> set[str]:
    """Return the addresses of a host name; none where DNS does not know it."""
    try:
        return {str(item[4][0]) for item in socket.getaddrinfo(host, 443)}
    except OSError:
        return set()


def describe_access(env: str) -> list[str]:
    """Return a line for each address of the hub: the address, or what DNS has to learn."""
    hosts, addresses = list_hosts(env), list_addresses(env)
    if not hosts:
        command = f"kubectl --namespace {chart.name_release(env)} port-forward service/proxy-public 8000:80"
        return [f"Open http://localhost:8000 while `{command}` runs"]
    targets = set().union(*(resolve(address) or {address} for address in addresses))
    lines = []
    for host in hosts:
        known = resolve(host)
        if known & targets or (known and not addresses):
            lines.append(f"https://{host}")
            continue
        target = " or ".join(addresses) or "the address of the cluster's entrance (docs/cluster.md)"
        now = f"it points at {', '.join(sorted(known))}" if known else "it points nowhere yet"
        lines.append(f"Point {host} at {target}: {now}. The hub itself is well.")
    return lines
