"""Try the archives, or a snapshot: restore one home into a scratch volume of the cluster, and compare it."""

import argparse
import random
import time

from deployer import units
from deployer.cluster import kubectl
from deployer.commands.options import add_environment
from deployer.commands.progress import print_step
from deployer.commands.restore import choose_entries, open_source
from deployer.homes import archives, pods


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_environment(parser)
    parser.add_argument("--student", default="", help="whose archive; without it, one by chance")
    parser.add_argument(
        "--from", default="", dest="source", help="the folder, else one beside the repository; or `snapshot`"
    )


def run(arguments: argparse.Namespace) -> None:
    env, start = arguments.env, time.monotonic()
    with open_source(arguments) as (folder, manifest):
        kubectl.require_access(env)
        named = choose_entries(env, manifest, arguments.student, folder) if arguments.student else []
        entry = named[0] if named else random.SystemRandom().choice(list(manifest.values()))
        print_step(f"{entry['student']}: restoring the archive of {entry['archived']} into a scratch volume")
        archives.require_whole(folder, entry)
        with pods.mount_home(env, None, writable=True) as pod:
            counts = pod.restore(folder, entry)
    print_step(
        f"{entry['student']}: what was archived is there, {units.format_count(counts['written'], 'file')}, "
        f"{units.format_bytes(entry['size'])}, "
        f"in {time.monotonic() - start:.0f} s"
    )
