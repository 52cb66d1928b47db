"""Remove what a trial on a cluster has made: its release, its namespace, its cluster. Nothing else is touched."""

import argparse
import os

from deployer import chart, process
from deployer.cluster import kubectl, release
from deployer.commands.progress import print_step
from deployer.errors import UserError
from deployer.paths import TRIAL, TRIAL_VALUES
from deployer.process import Done
from deployer.trial import cluster


def run(_: argparse.Namespace) -> None:
    note = cluster.read_note()
    if not note:
        raise UserError("there is no trial on a cluster. A trial on this machine ends with Ctrl-C in its terminal")
    os.environ["KUBECONFIG"] = str(cluster.KUBECONFIG)
    if note.maker:
        print_step(f"removing the cluster of {note.maker}")
        require_removed(process.run(*cluster.MAKERS[note.maker].delete))
    elif cluster.has_own_namespace():
        remove_release()
    for path in (cluster.NOTE, cluster.KUBECONFIG, TRIAL_VALUES):
        path.unlink(missing_ok=True)
    print_step(f"{note.context} is as before")


def remove_release() -> None:
    """Remove the release, then the namespace with the students' volumes."""
    name = chart.name_release(TRIAL)
    if release.list_revisions(TRIAL):
        print_step(f"removing the release {name}")
        require_removed(release.uninstall(TRIAL))
    print_step(f"removing the namespace {name} and its volumes")
    require_removed(kubectl.run_kubectl(TRIAL, "delete", "namespace", name, "--timeout=5m"))
    cluster.wait_for_volumes()


def require_removed(done: Done) -> None:
    """Raise UserError where something is still there."""
    process.require_done(done, "removed in part, run `make try-down` again")
