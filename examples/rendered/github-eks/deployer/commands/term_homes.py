"""The homes when a term ends: they are kept, archived, or emptied."""

from pathlib import Path

from deployer import chart, units
from deployer.cluster import kubectl, release, snapshots
from deployer.commands.archive import AT_ONCE, LIMIT, archive_homes
from deployer.commands.destroy import require_archives, require_done
from deployer.commands.options import require_typed_name
from deployer.commands.progress import print_step
from deployer.errors import UserError
from deployer.homes import archives, listing, pods
from deployer.homes.listing import SHARED, Home

CHOICES = ("keep", "archive", "empty")
ENV = "prod"


def require_choice(choice: str) -> None:
    """Raise UserError where the homes cannot be treated so, before anything has begun."""
    if choice not in CHOICES:
        raise UserError(f"HOMES: '{choice}' is not one of {', '.join(CHOICES)}. Write one; `empty` archives first")
    if choice != "keep":
        kubectl.require_access(ENV)
        if not release.list_revisions(ENV):
            raise UserError(f"HOMES: {chart.name_release(ENV)} is not deployed, and has no homes. Leave HOMES out")


def find_folder(tag: str) -> Path:
    """Return the folder for the archives of a term."""
    return archives.find_folder(tag, "")


def treat(choice: str, tag: str) -> None:
    """Do with the homes of prod what was chosen."""
    if choice == "keep":
        return
    folder = find_folder(tag)
    if not archive_homes(ENV, folder, units.parse_memory(LIMIT, "LIMIT") / AT_ONCE, AT_ONCE):
        print_step(f"{chart.name_release(ENV)} has no homes, because nobody has signed in: nothing was archived")
        return
    if choice == "empty":
        homes = [home for home in listing.list_homes(ENV, pods.list_folders(ENV)) if home.key != SHARED]
        require_archives(ENV, homes, folder, f"Run `make archive ENV={ENV} TO={folder}`")
        count = units.format_count(len(homes), "student")
        print(f"This deletes all files in the homes of {count} of {chart.name_release(ENV)}.")
        require_typed_name(chart.name_release(ENV))
        for home in homes:
            empty(home)
        print_step(f"the homes of {count} are empty")
        if taken := snapshots.list_snapshots(ENV):
            delete = f"kubectl --namespace {chart.name_release(ENV)} delete volumesnapshots {snapshots.SELECTOR}"
            kept = units.format_count(len(taken), "snapshot")
            print(f"Until the nightly job deletes them by age, {kept} of them can be read. To delete them: `{delete}`")


def empty(home: Home) -> None:
    """Delete what is in a home: its claim, which the hub makes again, or what is in its folder."""
    if home.folder:
        with pods.mount_home(ENV, home, writable=True) as pod:
            pod.ask("empty")
    else:
        require_done(kubectl.run_kubectl(ENV, "delete", "persistentvolumeclaim", home.claim, "--wait=false"))
