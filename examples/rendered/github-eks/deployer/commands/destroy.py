"""Delete a hub with its homes: the release, the namespace, and what belongs to it outside of the namespace."""

import argparse
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deployer import chart, process, units
from deployer.cluster import kubectl, release, snapshots
from deployer.cluster.location import find_other_cluster
from deployer.commands.options import add_environment, require_typed_name
from deployer.commands.progress import print_step
from deployer.errors import UserError
from deployer.homes import archives, listing, pods
from deployer.homes.archives import Entry
from deployer.homes.listing import Home
from deployer.paths import ENVIRONMENTS, ROOT
from deployer.process import Done, find_tool

# Homes that are compared at the same time, and names that are shown.
AT_ONCE, SHOWN = 4, 20
DATABASE = "hub-db-dir"
# The part of docs/operations.md with the commands for what is outside of the cluster.
HEADING = "## When the hub is gone"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_environment(parser)
    parser.add_argument("--from", default="", dest="source", help="the folder with the archives of the homes")
    parser.add_argument("--without-archive", action="store_true", help="also homes that have no good archive")


def run(arguments: argparse.Namespace) -> None:
    env = arguments.env
    name = chart.name_release(env)
    kubectl.require_access(env)
    if not kubectl.read_object(env, "namespace", name):
        raise UserError(f"there is no namespace {name} here, or no right to see it: nothing was deleted")
    # On an NFS server the files stay where they are.
    homes = [] if listing.is_shared(env) else listing.list_homes(env, pods.list_folders(env))
    kept = [f"persistentvolume/{volume}" for volume in list_kept_volumes(env)] + snapshots.list_kept_contents(env)
    for line in describe_hub(env, homes, kept):
        print(line)
    if homes and not arguments.without_archive:
        to = f" TO={arguments.source}" if arguments.source else ""
        anyway = f"`make destroy ENV={env} WITHOUT_ARCHIVE=y`"
        hint = f"Run `make archive ENV={env}{to}`, or delete the homes for good: {anyway}"
        require_archives(env, homes, archives.find_folder(env, arguments.source), hint)
    require_typed_name(name)
    delete(env)
    print_step(f"{name} is deleted")
    for line in describe_rest(env, kept):
        print(line)


def list_kept_volumes(env: str) -> list[str]:
    """Return the volumes of the namespace that Kubernetes keeps when their claims are deleted."""
    listed = [
        item["metadata"]["name"]
        for item in kubectl.list_volumes(env)
        if item["spec"].get("persistentVolumeReclaimPolicy") == "Retain"
    ]
    return [volume for volume in listed if volume != name_shared_volume(env)]


def name_shared_volume(env: str) -> str:
    """Return the volume with which the chart mounts the NFS share."""
    return f"{chart.name_release(env)}-shared"


def describe_hub(env: str, homes: list[Home], kept: list[str]) -> Iterator[str]:
    """Yield what will be deleted."""
    name = chart.name_release(env)
    context = process.run(find_tool("kubectl"), "config", "current-context").stdout.strip()
    yield f"This deletes from the cluster of kubectl's context {context or '(the one that kubectl runs in)'}:"
    revisions = units.format_count(len(release.list_revisions(env)), "revision")
    yield f"  the release {name}: hub, proxy, calendar, address, and {revisions}"
    if servers := kubectl.list_servers(env):
        yield f"  the servers of {units.format_count(len(servers), 'student')} at work now"
    if listing.is_shared(env):
        yield f"  the volume {name_shared_volume(env)}; the files stay on the NFS server"
    elif homes:
        names = ", ".join(home.student for home in homes[:SHOWN]) + (", …" if len(homes) > SHOWN else "")
        yield f"  {units.format_count(len(homes), 'home')}: {names}"
    if taken := snapshots.list_snapshots(env):
        # A home that is gone has no archive that could be asked for.
        lost = sorted({snapshots.read_claim(item) for item in taken} - {home.claim for home in homes})
        yield f"  {units.format_count(len(taken), 'snapshot')} of homes" + (
            f", also the last ones of {', '.join(lost)}" if lost else ""
        )
    claims = kubectl.list_objects(env, "persistentvolumeclaims")
    others = sorted({item["metadata"]["name"] for item in claims} - {home.claim for home in homes} - {DATABASE})
    yield "  the hub's database" + (f", and the volumes {', '.join(others)}" if others else "")
    yield f"  the namespace {name} with everything in it, and the roles {name}-deployer of the pipeline"
    if kept:
        yield f"These stay, since their class retains them: {', '.join(kept)}"


def require_archives(env: str, homes: list[Home], folder: Path, hint: str) -> None:
    """Raise UserError where a home has no archive, a damaged or incomplete one, or one from before its last change."""
    if servers := kubectl.list_servers(env):
        raise UserError(
            f"nothing was deleted: students are at work ({len(servers)}), and their homes change. Pause the hub first: "
            f"`make pause ENV={env}`"
        )
    count = units.format_count(len(homes), "home")
    print_step(f"comparing {count} with the archives in {folder}")
    manifest = archives.read_manifest(folder)
    archives.require_folder_of(env, folder)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda home: find_gap(env, home, folder, manifest.get(home.key)), homes))
    if gaps := [f"  {home.student}: {gap}" for home, gap in zip(homes, found, strict=True) if gap]:
        shown = gaps[:SHOWN] + (["  …"] if len(gaps) > SHOWN else [])
        without = units.format_count(len(gaps), "home")
        raise UserError("\n".join([f"nothing was deleted: {without} without a good archive:", *shown, hint]))
    print_step(f"all homes are in {folder}, as they are now: {count}")


def find_gap(env: str, home: Home, folder: Path, entry: Entry | None) -> str:
    """Return why a home cannot be deleted; an empty text where its archive has all of it."""
    if not entry:
        return "no archive"
    if damage := archives.find_damage(folder, entry):
        return f"{entry['file']}: {damage}"
    if entry["unreadable"]:
        return f"its archive lacks {units.format_count(len(entry['unreadable']), 'file')} that the owner may not read"
    try:
        with pods.mount_home(env, home) as pod:
            changed = pod.ask("state") != entry["state"]
    except UserError as error:
        return f"it cannot be read: {error}"
    return f"it has changed since its archive of {entry['archived']}" if changed else ""


def delete(env: str) -> None:
    """Delete the release, the namespace, and the objects outside of it."""
    name = chart.name_release(env)
    if release.list_revisions(env):
        print_step(f"helm uninstall {name}")
        require_done(release.uninstall(env))
    print_step(f"deleting the namespace {name}")
    require_done(kubectl.run_kubectl(env, "delete", "namespace", name, "--wait", "--timeout=10m"))
    for kind in ("clusterrolebinding", "clusterrole"):
        require_done(kubectl.run_kubectl(env, "delete", kind, f"{name}-deployer", "--ignore-not-found"))
    if listing.is_shared(env):
        volume = name_shared_volume(env)
        require_done(kubectl.run_kubectl(env, "delete", "persistentvolume", volume, "--ignore-not-found"))


def require_done(done: Done) -> None:
    """Raise UserError where a deletion failed. The same command goes on with the rest."""
    process.require_done(done, "deleted in part, let an administrator run the same command again")


def describe_rest(env: str, kept: list[str]) -> Iterator[str]:
    """Yield what is left for people to delete, with the commands."""
    if kept:
        yield f"  kubectl delete {' '.join(kept)}    (and their disks and snapshots, in the storage)"
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = text.partition(f"\n{HEADING}\n")[2].partition("\n## ")[0]
    if block := re.search(r"```console\n(.*?)```", section, re.DOTALL):
        yield "What the pipeline has of this environment is still there. docs/operations.md has what removes it:"
        yield from (f"  {line}" for line in block[1].replace("ENVIRONMENT=prod", f"ENVIRONMENT={env}").splitlines())
    if other := find_other_cluster():
        yield f"The cluster {other} stays: other hubs may be in it (CLUSTER in cluster/where.sh)."
    elif (ROOT / "cluster" / "delete.sh").exists():
        others = [other for other in ENVIRONMENTS if release.list_revisions(other)]
        if others:
            yield f"{chart.name_release(others[0])} still runs in the cluster. After it, `make cluster DO=delete`."
        else:
            yield "`make cluster DO=delete` deletes the cluster; it stops while another hub or a volume is there."
