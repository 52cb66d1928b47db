"""Deploy the hub to a cluster for a trial: by the code of `make deploy`, in a namespace of its own, with no keys."""

import argparse
import subprocess
import time

from deployer import chart, git, units, values
from deployer.cluster import kubectl, lease
from deployer.commands import deploy
from deployer.commands.options import parse_port
from deployer.commands.progress import print_step
from deployer.commands.rollback import recover_interrupted
from deployer.errors import UserError
from deployer.paths import TRIAL, TRIAL_FOLDER
from deployer.process import find_tool, read_output, require_done
from deployer.secrets import trial as trial_secrets
from deployer.trial import cluster, links, people, small_values

# Seconds.
START = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--on", required=True, help=f"{', '.join(cluster.MAKERS)}, or a context of kubectl")
    parser.add_argument(
        "--port", type=parse_port, default=links.PORT, help=f"where the link is on this machine ({links.PORT})"
    )
    parser.add_argument("--robot", action="store_true", help="stop after the robot student")
    parser.add_argument("--timeout", default="10m", help="for the upgrade, as Helm reads it")


def run(arguments: argparse.Namespace) -> None:
    """Deploy the trial, from top to bottom."""
    where, timeout = arguments.on, arguments.timeout
    limit = 2 * units.parse_duration(timeout, "TIMEOUT")
    cluster.require_programs(where)
    if not arguments.robot:
        links.require_free(arguments.port, f"make try ON={where}")
    small_values.require_possible()
    image = cluster.require_image(where)
    chart.build_dependency()
    print_step(f"downloads, as far as {where} does not have them: {cluster.describe_downloads(where, image)}")
    context = cluster.ensure_cluster(where).context
    if image:
        print_step(f"loading {image}")
        read_output(*cluster.MAKERS[where].load, image)
    if not cluster.has_own_namespace():
        require_done(
            kubectl.create_namespace(chart.name_release(TRIAL), **cluster.OWNER), "the namespace cannot be created"
        )
    small_values.write_values()

    print_step(f"looking at the cluster {context} before {chart.name_release(TRIAL)} is deployed")
    deploy.require_preflight(TRIAL)
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
    link = f"http://127.0.0.1:{port}/"
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        if not links.wait_for_hub(link, START, lambda: require_forwarding(process)):
            raise UserError(f"the hub does not answer at {link}. Run the command again")
        print_link(link)
        while True:
            require_forwarding(process)
            time.sleep(0.5)
    except KeyboardInterrupt:
        print("\nThe link is closed. `make try-down` removes the hub.")
    finally:
        process.terminate()
        process.wait()


def print_link(link: str) -> None:
    """Print the link, and the names and passwords to sign in with."""
    passwords = trial_secrets.read_passwords(TRIAL_FOLDER)
    staff = ", ".join(people.list_role_users(values.read_values(TRIAL)["jupyterhub"]["hub"].get("loadRoles")))
    print(f"\nThe hub on the cluster: {link}\n")
    print(f"  course staff ({staff}): {passwords['admin_password']}")
    print(f"  students (any other name): {passwords['user_password']}\n")
    print("Ctrl-C ends the link; the hub stays until `make try-down`.", flush=True)


def require_forwarding(process: subprocess.Popen[bytes]) -> None:
    """Raise UserError where kubectl has stopped to forward the port."""
    if process.poll() is not None:
        raise UserError("kubectl port-forward ended, and the hub is still there. Run the command again")
