"""Roll back to a revision: the last good one, or the one that is named. Also what a deploy needs of it."""

import argparse
import time
from collections.abc import Callable

from deployer import chart, git
from deployer.cluster import database, diagnose, kubectl, lease, pause, release, robot
from deployer.cluster.release import Revision
from deployer.commands.options import add_environment, add_timeout, parse_wait
from deployer.commands.progress import print_step
from deployer.errors import UserError
from deployer.process import Done, require_done


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_environment(parser)
    add_timeout(parser)
    parser.add_argument("--revision", type=int, help="the revision; without it, the last good one")


def run(arguments: argparse.Namespace) -> None:
    """Roll back, and let the robot student try the hub."""
    env, timeout = arguments.env, arguments.timeout
    limit = parse_wait(arguments)
    kubectl.require_access(env)
    pause.require_awake(env)
    with lease.hold(env, limit, print_step) as killed:
        recover_interrupted(env, 0 if killed else limit)
        target = choose_revision(env, arguments.revision)
        passed = roll_back(env, target, timeout)
    print(
        f"{chart.name_release(env)} is what revision {target.number} was ({git.describe_commit(target.commit)}). "
        "Git is ahead of it: revert there what was wrong, or the next deploy brings it again."
    )
    if not passed:
        raise UserError("the robot student does not pass on this revision either: look at the cluster itself")


def choose_revision(env: str, number: int | None) -> Revision:
    """Return the revision to roll back to. Raises UserError where there is none."""
    kept = release.list_revisions(env)
    if not kept:
        raise UserError(f"{chart.name_release(env)}: nothing is deployed")
    if number is None:
        target = release.find_last_good(env, below=find_first_of_commit(kept))
    else:
        target = next((item for item in kept if item.number == number), None)
    if not target:
        known = ", ".join(str(item.number) for item in kept)
        which = f"no revision {number}" if number else "no earlier commit whose robot student passed"
        raise UserError(f"there is {which}; Helm keeps {known}: see `make status ENV={env}`, then REVISION=…")
    return target


def find_first_of_commit(kept: list[Revision]) -> int:
    """Return the first revision of the commit that runs: what is before it is another one, and not one that was left.

    A rollback makes a revision with the commit of the one it went to, and a commit may be deployed twice.
    """
    newest = kept[-1]
    return min(item.number for item in kept if item is newest or (item.commit and item.commit == newest.commit))


def roll_back(env: str, target: Revision, timeout: str) -> bool:
    """Roll back to a revision, and its database. Returns whether the robot student passes there."""
    since = kubectl.now()
    restore_database(env, target)
    print_step(f"rolling back to revision {target.number}: {git.describe_commit(target.commit)}")
    done = finish(env, lambda: release.roll_back(env, target, "--wait", f"--timeout={timeout}"))
    if done.returncode:
        print(diagnose.describe(env, since))
        raise UserError(f"the rollback failed, the hub may be down: {done.stderr.strip()}")
    return send_robot(env)


def restore_database(env: str, target: Revision) -> None:
    """Put back the hub's database where the rollback crosses a change of the chart's version."""
    version = release.read_chart_version(env, target.number)
    if not version or release.read_running_chart_version(env) in ("", version) or not database.exists(env):
        return
    print_step(f"restoring the hub's database of chart {version}")
    done = database.restore(env, version)
    if done.returncode:
        print_step(f"the database was NOT restored; the pod restore-database says why: {done.stderr.strip()}")


def send_robot(env: str) -> bool:
    """Send the robot student, and print what it says. Returns whether it passed."""
    print_step("sending the robot student")
    passed, said = robot.send(env)
    print(said, end="")
    return passed


def finish(env: str, run_helm: Callable[[], Done]) -> Done:
    """Run Helm. If somebody interrupts it, repair at once what it leaves: a revision that is failed, or pending."""
    before = max((revision.number for revision in release.list_revisions(env)), default=0)
    try:
        return run_helm()
    except KeyboardInterrupt:
        kept = release.list_revisions(env)
        if kept and kept[-1].number > before and kept[-1].state not in release.DEPLOYED:
            repair(env, kept[-1])
        raise


def recover_interrupted(env: str, limit: float) -> None:
    """Repair what an interrupted deploy has left: a release that is pending for ever, with which Helm does nothing.

    Another deploy may be at work: it has so many seconds to end.
    """
    if pending := wait_for_pending(env, limit):
        repair(env, pending)


def repair(env: str, revision: Revision) -> None:
    """Go back from a revision that was interrupted to the one that ran before it. Raises UserError if Helm cannot."""
    interrupted = f"revision {revision.number} was interrupted ({revision.state})"
    if target := release.find_last_deployed(env):
        print_step(f"{interrupted}: back to revision {target.number}")
        done = release.roll_back(env, target)
    elif revision.is_pending:
        print_step(f"{interrupted}, and none before it ran: Helm forgets it")
        done = release.forget_revision(env, revision)
    else:
        return  # Helm installs over a first install that failed.
    require_done(done, "the release cannot be repaired")


def wait_for_pending(env: str, limit: float) -> Revision | None:
    """Return the newest revision if it is still pending when its deploy should have ended; None if nothing is."""
    said = False
    while kept := release.list_revisions(env):
        newest = kept[-1]
        if not newest.is_pending:
            return None
        if newest.age >= limit:
            return newest
        if not said:
            print(
                f"Revision {newest.number} is {newest.state} since {newest.age:.0f} seconds. Helm may be at work, run "
                f"by hand: waiting for it, {limit - newest.age:.0f} seconds at most. If nobody runs it, press Ctrl-C, "
                "and repeat the command with WAIT=0s.",
                flush=True,
            )
            said = True
        time.sleep(5)
    return None
