"""Archive the homes of the students: one file for each, read back and compared, while the hub runs."""

import argparse
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from deployer import chart, units
from deployer.cluster import kubectl
from deployer.commands.options import add_environment
from deployer.commands.progress import print_step
from deployer.errors import UserError
from deployer.homes import archives, listing, pods
from deployer.homes.archives import Entry
from deployer.homes.listing import Home

# Of all homes together, in bytes a second as JupyterHub writes it, and how many are read at the same time.
LIMIT, AT_ONCE = "20M", 2
# Attempts for a home whose student starts a server at that moment, or whose connection breaks.
ATTEMPTS = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_environment(parser)
    parser.add_argument("--to", default="", help="the folder; without it, one beside the repository")
    parser.add_argument("--limit", default=LIMIT, help="bytes a second, of all homes together")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="homes that are read at the same time")


@dataclass
class Work:
    """What one run has to do, and what has come of it."""

    env: str
    folder: Path
    # Of one home, in bytes a second.
    limit: float
    stopped: threading.Event = field(default_factory=threading.Event)
    kept: dict[str, Entry] = field(default_factory=dict)


def run(arguments: argparse.Namespace) -> None:
    env = arguments.env
    if arguments.at_once < 1:
        raise UserError(f"AT_ONCE: {arguments.at_once} is too few. Write how many homes to read at once, such as 2")
    limit = units.parse_memory(arguments.limit, "LIMIT") / arguments.at_once
    kubectl.require_access(env)
    if not archive_homes(env, archives.find_folder(env, arguments.to), limit, arguments.at_once):
        name = chart.name_release(env)
        raise UserError(f"{name}: it has no homes. Nobody has signed in yet, or ENV={env} is not the hub that you mean")


def archive_homes(env: str, folder: Path, limit: float, at_once: int) -> int:
    """Archive all homes into a folder, so many at the same time, each with a limit in bytes a second.

    Returns how many there are. Without any, it writes nothing.
    """
    archives.require_folder_of(env, folder)
    homes = listing.list_homes(env, pods.list_folders(env))
    if not homes:
        return 0
    count = units.format_count(len(homes), "home")
    print_step(f"{chart.name_release(env)} has {count}, to be archived in {folder}")
    with archives.lock(folder):
        work = Work(env, folder, limit, kept=archives.read_manifest(folder))
        failures = archive_all(work, homes, at_once)
        failures += find_lost(work, homes)
    if failures:
        missing = units.format_count(len(failures), "archive")
        raise UserError("\n".join([*failures, f"{missing} could not be made. Run the same command again"]))
    size = sum(entry["bytes"] for entry in archives.read_manifest(folder).values())
    print_step(f"all homes are archived and compared: {count}, {units.format_bytes(size)} in {folder}")
    return len(homes)


def archive_all(work: Work, homes: list[Home], at_once: int) -> list[str]:
    """Archive homes, some at the same time. Returns a line for each that could not be."""
    left, failures, done = homes, dict[str, str](), 0
    for _ in range(ATTEMPTS):
        failures = {}
        pool = ThreadPoolExecutor(at_once)
        try:
            running: dict[Future[str], Home] = {pool.submit(archive_home, work, home): home for home in left}
            for future in as_completed(running):
                home = running[future]
                try:
                    said = future.result()
                except UserError as error:
                    failures[home.key] = said = f"{home.student}: NOT archived: {error}"
                else:
                    done += 1
                print_step(f"{done} of {len(homes)}  {said}")
        except BaseException:
            # The archives that are complete stay, and the next run begins behind them.
            work.stopped.set()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
        left = [home for home in left if home.key in failures]
    return list(failures.values())


def archive_home(work: Work, home: Home) -> str:
    """Archive a home, unless its archive is intact and nothing has changed since. Returns what to print."""
    if work.stopped.is_set():
        raise UserError("interrupted")
    start, known = time.monotonic(), work.kept.get(home.key)
    damage = archives.find_damage(work.folder, known) if known else ""
    with pods.mount_home(work.env, home) as pod:
        if known and not damage and pod.ask("state") == known["state"]:
            return f"{home.student}: unchanged, its archive is intact"
        part = work.folder / f"{home.key}.tar.gz.part"
        result = pod.receive(part, work.limit, work.stopped)
    entry = {
        **{"student": home.student, "claim": home.claim, "folder": home.folder, "capacity": home.size},
        **{"file": f"{home.key}.tar.gz", **result, "archived": kubectl.now()},
    }
    # What is on the disk, and not what came through the network, is compared with what the pod has sent.
    if broken := archives.find_damage(work.folder, {**entry, "file": part.name}):
        raise UserError(f"{part}: {broken}. Look at this disk")
    part.replace(work.folder / entry["file"])
    archives.write_entry(work.env, work.folder, home.key, entry)
    return describe_result(home, entry, time.monotonic() - start, damage)


def describe_result(home: Home, entry: Entry, seconds: float, damage: str) -> str:
    """Return the line about an archive that was made."""
    size = f"{units.format_bytes(entry['size'])} as {units.format_bytes(entry['bytes'])}"
    said = f"{home.student}: {units.format_count(entry['files'], 'file')}, {size}, in {seconds:.0f} s"
    if damage:
        said += f"; instead of the old archive: {damage}"
    if entry["changed"]:
        said += "; it changed meanwhile, so that the next run archives it again"
    if unreadable := entry["unreadable"]:
        said += f"; WITHOUT what its owner may not read: {', '.join(map(ascii, unreadable[:5]))}"
    return said


def find_lost(work: Work, homes: list[Home]) -> list[str]:
    """Return a line for each archive that is damaged and whose home is gone."""
    present = {home.key for home in homes}
    lost = {key: entry for key, entry in work.kept.items() if key not in present}
    damages = {entry["file"]: archives.find_damage(work.folder, entry) for entry in lost.values()}
    return [
        f"{work.folder / file}: {damage}, and the home is gone. Bring it back from a copy of this folder"
        for file, damage in damages.items()
        if damage
    ]
