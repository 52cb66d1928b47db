"""Wake a hub that was paused, and let the robot student try it."""

import argparse

from deployer import chart, git, units
from deployer.cluster import diagnose, kubectl, lease, pause, release
from deployer.commands.options import add_environment, add_timeout
from deployer.commands.pause import WAIT
from deployer.commands.progress import print_step
from deployer.commands.rollback import send_robot
from deployer.errors import UserError
from deployer.paths import ROOT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_environment(parser)
    add_timeout(parser)


def run(arguments: argparse.Namespace) -> None:
    env = arguments.env
    name = chart.name_release(env)
    units.parse_duration(arguments.timeout, "TIMEOUT")
    kubectl.require_access(env)
    if not (said := pause.describe_pause(env)):
        raise UserError(f"{name} is not paused: `make status ENV={env}` says what runs")
    since = kubectl.now()
    with lease.hold(env, WAIT, print_step):
        print_step(f"{said}: waking it")
        pause.start_hub(env)
        for workload in pause.list_awaited(env):
            if kubectl.run_kubectl(env, "rollout", "status", workload, f"--timeout={arguments.timeout}").returncode:
                print(diagnose.describe(env, since))
                by_command = (ROOT / "cluster" / "resume.sh").exists()
                nodes = " If the nodes are gone: `make cluster DO=resume`." if by_command else ""
                raise UserError(f"{workload} is not ready after {arguments.timeout}, see above.{nodes}")
        if not send_robot(env):
            raise UserError(f"{name} is awake, but the robot student has failed, see above")
    print_step(f"{name} is awake")
    running = release.find_last_deployed(env)
    if running and running.commit and running.commit != (head := git.find_head()):
        print(f"It is {git.describe_commit(running.commit)}, as before. `make deploy ENV={env}` deploys")
        print(f"{git.describe_commit(head)}, which is checked out.")
