"""Deploy the commit that is checked out, and let the robot student try it. Roll back when either fails."""

import argparse

from deployer import chart, git, timetable, units, values
from deployer.cluster import database, diagnose, dns, kubectl, lease, pause, release
from deployer.commands.options import add_environment, add_timeout, parse_wait
from deployer.commands.preflight import print_findings
from deployer.commands.progress import print_step
from deployer.commands.rollback import finish, recover_interrupted, roll_back, send_robot
from deployer.errors import UserError
from deployer.image import pushed
from deployer.paths import ENVIRONMENTS, IMAGE
from deployer.process import require_done
from deployer.secrets import sops


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_environment(parser)
    add_timeout(parser)
    parser.add_argument("--allow-older", action="store_true", help="also over a newer commit, or another branch")
    parser.add_argument("--in-exam", action="store_true", help="also during an exam of the calendar")


def run(arguments: argparse.Namespace) -> None:
    """Deploy, from top to bottom."""
    env, timeout = arguments.env, arguments.timeout
    limit = parse_wait(arguments)

    if not arguments.in_exam:
        timetable.require_no_exam(env)
    commit = git.require_clean_worktree()
    chart.build_dependency()
    sops.read_secrets(env)
    kubectl.require_access(env)
    if said := pause.describe_pause(env):
        # Not an error: a merge in the holidays neither wakes the hub nor fails.
        print_step(f"NOT deployed: {said}. `make resume ENV={env}` wakes it; then deploy again")
        return
    require_pushed_image(env)

    print_step(f"looking at the cluster before {chart.name_release(env)} becomes {git.describe_commit(commit)}")
    require_preflight(env)
    with lease.hold(env, limit, print_step) as killed:
        recover_interrupted(env, 0 if killed else limit)
        if not arguments.allow_older:
            require_newer_commit(env, commit)
        upgrade(env, commit, timeout)

    print_step(f"{chart.name_release(env)} is {git.describe_commit(commit)}")
    for line in dns.describe_access(env):
        print(line)


def upgrade(env: str, commit: str, timeout: str) -> None:
    """Upgrade the release, and let the robot student try it. Raises UserError after rolling back a failure."""
    print_step("asking the chart's guards and the cluster")
    require_done(release.try_upgrade(env), "nothing was changed")
    save_database(env)

    since = kubectl.now()
    print_step(f"helm upgrade --install, {timeout} at most")
    done = finish(env, lambda: release.upgrade(env, commit, timeout))
    if done.returncode:
        raise roll_back_failure(env, f"helm upgrade: {done.stderr.strip()}", since, timeout)
    if not send_robot(env):
        raise roll_back_failure(env, "the robot student, see above", since, timeout)


def require_pushed_image(env: str) -> None:
    """Raise UserError where the image of image/ was neither pushed from here, nor runs already in an environment."""
    if not IMAGE.is_dir() or pushed.read_digest(reference := values.describe_image(env)):
        return
    for other in (env, *ENVIRONMENTS):
        name, _, digest = release.read_image(other).partition("@")
        if name == reference and digest:
            pushed.add(reference, digest)
            return
    raise UserError(
        f"image/: {reference} was not pushed from here and does not run yet. The one in the registry, if any, may be "
        "anybody's. Run `make image-push`, or let the pipeline deploy"
    )


def require_newer_commit(env: str, commit: str) -> None:
    """Raise UserError where the commit that runs is not in the history of the one to deploy."""
    running = release.find_last_deployed(env)
    if not running or not running.commit or git.is_ancestor(running.commit, commit):
        return
    raise UserError(
        f"{chart.name_release(env)}: it runs {git.describe_commit(running.commit)}, which "
        f"{git.describe_commit(commit)} does not have in its history. Nothing was changed. Deploy a commit that has "
        f"both (`git pull`, `git merge`), or go back on purpose: `make deploy ENV={env} ALLOW_OLDER=y`"
    )


def require_preflight(env: str) -> None:
    """Raise UserError where the cluster has a problem, and create the namespace before a first install.

    Network policies are tried before a first install only.
    """
    if problems := print_findings(env, try_network=not release.list_revisions(env)):
        raise UserError(f"nothing was changed: {problems}, see above")
    if not kubectl.read_object(env, "namespace", name := chart.name_release(env)):
        require_done(kubectl.create_namespace(name), f"the namespace {name} cannot be created")


def save_database(env: str) -> None:
    """Copy the hub's database before another version of the chart changes it."""
    running, wanted = release.read_running_chart_version(env), chart.read_dependency()["version"]
    if running in ("", wanted) or not database.exists(env):
        return
    print_step(f"the chart goes from {running} to {wanted}: copying the hub's database")
    require_done(database.save(env, running), "the hub's database was not copied, and so nothing was changed")


def roll_back_failure(env: str, failure: str, since: str, timeout: str) -> UserError:
    """Print what is wrong, and roll back to the last good revision. Returns the error that ends the deploy."""
    print(f"FAILED: {failure}", flush=True)
    print(diagnose.describe(env, since), flush=True)
    name = chart.name_release(env)
    kept = release.list_revisions(env)
    target = release.find_last_good(env, below=kept[-1].number) if kept else None
    if not target:
        return UserError(
            f"{name} is left as it is: there is no good revision to roll back to, and uninstalling a first install "
            "would give up its address. Fix what stands above, commit, and deploy again"
        )
    servers = len(kubectl.list_servers(env))
    passed = roll_back(env, target, timeout)
    return UserError(
        f"{failure.splitlines()[0]}\n{name} is back at what revision {target.number} was "
        f"({git.describe_commit(target.commit)}), and the robot student "
        f"{'passes' if passed else 'FAILS THERE TOO: look at the cluster itself'}; "
        f"{units.format_count(servers, 'server')} of students kept running. "
        "Git still has what failed: fix or revert it"
    )
