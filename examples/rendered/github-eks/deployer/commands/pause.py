"""Pause a hub: no pods, no class calendar. Homes, accounts and the address of the load balancer stay."""

import argparse

from deployer import chart
from deployer.cluster import dns, kubectl, lease, pause, paused_page, release
from deployer.cluster.servers import read_owner
from deployer.commands.options import add_environment
from deployer.commands.progress import print_step
from deployer.errors import UserError
from deployer.paths import ENVIRONMENTS, ROOT

# Seconds to wait for a deploy that is at work.
WAIT = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_environment(parser)
    parser.add_argument("--stop-servers", action="store_true", help="also if students have servers")
    parser.add_argument("--until", default="", help="until when, for the page that visitors see; any text")


def run(arguments: argparse.Namespace) -> None:
    env = arguments.env
    name = chart.name_release(env)
    kubectl.require_access(env)
    if not release.list_revisions(env):
        raise UserError(f"{name}: nothing is deployed, so there is nothing to pause")
    with lease.hold(env, WAIT, print_step):
        require_no_servers(env, arguments.stop_servers)
        print_step(f"pausing {name}: the class calendar, the hub, the proxy and the placeholders")
        hosts = dns.list_hosts(env)
        pause.record_pause(env)
        pause.stop_hub(env, with_page=bool(hosts))
        answers = bool(hosts) and paused_page.serve_page(env, arguments.until)
    print_step(f"{name} is paused: nobody can sign in. The homes, the accounts and the hub's address stay")
    if hosts:
        when = "" if answers else " as soon as a node has room for its pod"
        print(f"https://{hosts[0]} says so to visitors{when}. The page needs a node: without nodes, no page.")
    print(f"`make resume ENV={env}` wakes it. A deploy does not: it says that the hub is paused.")
    if not (ROOT / "cluster" / "pause.sh").exists():
        print("Its pods are gone; the nodes are still there. Remove those in your cluster's own way.")
    elif awake := [other for other in ENVIRONMENTS if not pause.read_pause(other) and release.list_revisions(other)]:
        print(f"{chart.name_release(awake[0])} still needs the cluster's nodes. Students' nodes go by themselves.")
    else:
        print("`make cluster DO=pause` takes the cluster's nodes away as well (docs/cluster.md).")


def require_no_servers(env: str, stop: bool) -> None:
    """Raise UserError where students are at work, unless told to stop them."""
    servers = kubectl.list_servers(env)
    names = [read_owner(pod)[0] for pod in servers]
    shown = ", ".join(sorted(names)[:10]) + (", …" if len(names) > 10 else "")
    if names and not stop:
        raise UserError(
            f"nothing was changed: students have servers ({shown}), and lose what they have not saved. Pause later, or "
            f"stop them: `make pause ENV={env} STOP_SERVERS=y`"
        )
