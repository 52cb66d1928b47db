"""Print who has a server: since when, where, and how much memory it uses. The largest come first."""

import argparse
from datetime import datetime, timezone
from typing import Any

from deployer import chart, units
from deployer.cluster import hub_api, kubectl, servers
from deployer.commands.options import add_environment

HEAD = ("student", "server", "started", "active", "memory", "node")
# Of the hub's API, for the columns `started` and `active`.
HUB_TIMES = ("started", "last_activity")


add_arguments = add_environment


def run(arguments: argparse.Namespace) -> None:
    env = arguments.env
    with hub_api.connect(env) as hub:
        users = hub.list_users("active")
    pods = {servers.read_owner(pod): pod for pod in kubectl.list_servers(env)}
    memory = servers.read_all_memory(env)
    rows = [
        (memory.get(find_name(pods.get((user["name"], name))), 0), user["name"], name, server)
        for user in users
        for name, server in (user.get("servers") or {}).items()
    ]
    count = units.format_count(len(rows), "server") if rows else "nobody has a server"
    print(f"{chart.name_release(env)}: {count}")
    if not rows:
        return
    now = datetime.now(timezone.utc)
    rows.sort(key=lambda row: (-row[0], row[1], row[2]))
    table = [HEAD, *(describe(*row, pods.get((row[1], row[2])), now) for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(HEAD))]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    if not memory:
        print(
            "The cluster does not measure memory, or not for you: "
            f"`make student ENV={env} NAME={rows[0][1]}` measures one server."
        )


def find_name(pod: servers.Pod | None) -> str:
    """Return the name of a pod; an empty text for none."""
    return str(pod["metadata"]["name"]) if pod else ""


def describe(
    used: int, user: str, name: str, server: dict[str, Any], pod: servers.Pod | None, now: datetime
) -> tuple[str, ...]:
    """Return the cells of a server's line."""
    ages = [f"{units.format_age(server[key], now)} ago" if server.get(key) else "-" for key in HUB_TIMES]
    node = pod["spec"].get("nodeName", "-") if pod else "-"
    state = "ready" if server.get("ready") else server.get("pending") or "stopped"
    return (
        f"{user}/{name}" if name else user,
        state,
        *ages,
        servers.describe_memory(used, pod),
        node,
    )
