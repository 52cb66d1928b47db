"""Remove what a trial on a cluster has made: its release, its namespace, its cluster. Nothing else is touched."""

import argparse
import os

from deployer import chart
from deployer.cluster import release
from deployer.commands.progress import print_step
from deployer.errors import UserError
from deployer.paths import TRIAL, TRIAL_VALUES
from deployer.process import find_tool
from deployer.process import run as run_program
from deployer.trial import cluster


def add_arguments(_: argparse.ArgumentParser) -> None:
    """Add no options."""


def run(_: argparse.Namespace) -> None:
    """Run the command."""
    note = cluster.read_note()
    if not note:
        raise UserError("there is no trial on a cluster. A trial on this machine ends with Ctrl-C in its terminal")
    os.environ["KUBECONFIG"] = str(cluster.KUBECONFIG)
    if note.made_cluster:
        run_step(f"removing the cluster of {note.maker}", *cluster.MAKERS[note.maker].delete)
    elif cluster.has_own_namespace():
        remove_release()
    for path in (cluster.NOTE, cluster.KUBECONFIG, TRIAL_VALUES):
        path.unlink(missing_ok=True)
    print_step(f"{note.context} is as before")


def run_step(what: str, *command: str) -> None:
    """Run a command that removes something. Raises UserError if it fails."""
    print_step(what)
    done = run_program(*command)
    if done.returncode:
        raise UserError(f"{what}: {done.stderr.strip() or done.stdout.strip()}. Run `make try-down` again")


def remove_release() -> None:
    """Remove the release, then the namespace with the students' volumes."""
    name = chart.name_release(TRIAL)
    if release.list_revisions(TRIAL):
        uninstall = ("uninstall", name, "--namespace", name, "--wait", "--timeout=5m")
        run_step(f"removing the release {name}", find_tool("helm"), *uninstall)
    delete = ("delete", "namespace", name, "--timeout=5m")
    run_step(f"removing the namespace {name} and its volumes", find_tool("kubectl"), *delete)
    cluster.wait_for_volumes()
