"""Deploy the hub to a cluster for a trial: by the code of `make deploy`, in a namespace of its own, with no keys."""

import argparse
import subprocess
import time
import urllib.request
from contextlib import suppress

from deployer import chart, git, units, values
from deployer.cluster import kubectl, lease
from deployer.commands import deploy
from deployer.commands.progress import print_step
from deployer.commands.rollback import recover_interrupted
from deployer.errors import UserError
from deployer.paths import TRIAL, TRIAL_FOLDER
from deployer.process import find_tool
from deployer.secrets import trial as trial_secrets
from deployer.trial import cluster, small_values
from deployer.trial.processes import find_free_port, is_free

PORT = 8000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--on", required=True, help=f"{', '.join(cluster.MAKERS)}, or a context of kubectl")
    parser.add_argument("--port", type=int, default=PORT, help=f"where the link is on this machine ({PORT})")
    parser.add_argument("--robot", action="store_true", help="stop after the robot student")
    parser.add_argument("--timeout", default="10m", help="for the upgrade, as Helm reads it")


def run(arguments: argparse.Namespace) -> None:
    """Deploy the trial, from top to bottom."""
    where, timeout = arguments.on, arguments.timeout
    cluster.require_programs(where)
    if not arguments.robot and not is_free(arguments.port):
        raise UserError(
            f"PORT: another program listens on port {arguments.port} of this machine. "
            f"Run `make try ON={where} PORT={find_free_port()}`"
        )
    small_values.require_possible()
    image = cluster.require_image(where)
    chart.build_dependency()
    print_step(f"downloads, as far as {where} does not have them: {cluster.describe_downloads(where, image)}")
    context = cluster.ensure_cluster(where).context
    if image:
        print_step(f"loading {image}")
        cluster.load_image(where, image)
    if not cluster.has_own_namespace():
        cluster.create_namespace()
    small_values.write_values()

    print_step(f"looking at the cluster {context} before {chart.name_release(TRIAL)} is deployed")
    deploy.require_preflight(TRIAL)
    limit = 2 * units.parse_duration(timeout, "TIMEOUT")
    with lease.hold(TRIAL, limit, print_step) as killed:
        recover_interrupted(TRIAL, 0 if killed else limit)
        deploy.upgrade(TRIAL, git.find_head() or "uncommitted", timeout)
    print_step(f"{chart.name_release(TRIAL)} runs on {context}; `make try-down` removes it")
    if not arguments.robot:
        forward_hub(arguments.port)


def forward_hub(port: int) -> None:
    """Reach the hub at a port of this machine until Ctrl-C."""
    name = chart.name_release(TRIAL)
    command = [find_tool("kubectl"), "--namespace", name, "port-forward", "service/proxy-public", f"{port}:80"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_for_link(process, f"http://127.0.0.1:{port}")
        print_link(port)
        while process.poll() is None:
            time.sleep(0.5)
        raise UserError(f"kubectl port-forward ended. The hub is still there: {' '.join(command)}")
    except KeyboardInterrupt:
        print("\nThe link is closed. `make try-down` removes the hub.")
    finally:
        process.terminate()
        process.wait()


def print_link(port: int) -> None:
    """Print the link, and the names and passwords to sign in with."""
    passwords = trial_secrets.read_passwords(TRIAL_FOLDER)
    staff = ", ".join(small_values.list_staff(values.read_values(TRIAL)))
    print(f"\nThe hub on the cluster: http://127.0.0.1:{port}/\n")
    print(f"  course staff ({staff}): {passwords['admin_password']}")
    print(f"  students (any other name): {passwords['user_password']}\n")
    print("Ctrl-C ends the link; the hub stays until `make try-down`.", flush=True)


def wait_for_link(process: subprocess.Popen[bytes], link: str) -> None:
    """Wait until the hub answers through the forwarded port."""
    end = time.monotonic() + 60
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while process.poll() is None and time.monotonic() < end:
        with suppress(OSError):
            opener.open(f"{link}/hub/health", timeout=5).close()
            return
        time.sleep(0.3)
    servers = len(kubectl.list_servers(TRIAL))
    raise UserError(f"the hub does not answer at {link} ({servers} servers run there). Run the command again")
