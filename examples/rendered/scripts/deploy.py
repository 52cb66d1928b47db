"""Deploy an environment and let the robot student try it; go back to the last good revision when either fails."""

import argparse
import json
import signal
import socket
import sys
import time
from collections.abc import Callable
from subprocess import CompletedProcess

import preflight
import release
import yaml

import hub

# Revisions that Helm keeps, so that the last good one is still there after some bad days.
HISTORY = "20"
# Longer than the robot's own deadline.
ROBOT = "35m"


def step(sentence: str) -> None:
    """Say what comes next, and when."""
    print(f"{time.strftime('%H:%M:%S')}  {sentence}", flush=True)


def now() -> str:
    """This moment, as Kubernetes writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def seconds(duration: str) -> float:
    """A duration as Helm reads it: 90s, 10m or 1h."""
    units = {"s": 1, "m": 60, "h": 3600}
    if duration[-1:] not in units or not duration[:-1].isdigit():
        hub.stop(f"TIMEOUT is '{duration}': write a number with s, m or h after it, such as 10m")
    return int(duration[:-1]) * units[duration[-1]]


def committed() -> str:
    """The commit that is deployed. Stops if the working tree is not that commit."""
    head = release.run("git", "rev-parse", "HEAD")
    if head.returncode:
        hub.stop("there is no commit yet, and what runs must be one: `git init`, `git add .`, `git commit`")
    if changed := release.run("git", "status", "--porcelain").stdout.rstrip():
        hub.stop(f"the working tree is not what is committed, and what runs must be: commit or stash\n{changed}")
    return head.stdout.strip()


def recover(env: str, limit: float) -> None:
    """Repair what an interrupted deploy has left: a release that is pending for ever, with which Helm does nothing."""
    pending = release.wait_for_others(env, limit)
    if not pending:
        return
    earlier = [item for item in release.revisions(env) if item.state in ("deployed", "superseded")]
    last = next((item for item in reversed(earlier) if item.state == "deployed"), earlier[-1] if earlier else None)
    if last:
        step(f"revision {pending.number} was interrupted ({pending.state}): back to revision {last.number}")
        done = release.helm(env, "rollback", str(last.number), f"--history-max={HISTORY}")
    else:
        # There is nothing to go back to, and uninstalling would give up the load balancer's address: Helm forgets the
        # attempt, and the next one takes over the objects that it has made.
        step(f"revision {pending.number} was interrupted ({pending.state}), and none before it ran: Helm forgets it")
        name = f"sh.helm.release.v1.{hub.release(env)}.v{pending.number}"
        done = release.kubectl(env, "delete", "secret", name)
    if done.returncode:
        hub.stop(f"the release cannot be repaired: {done.stderr.strip()}")


def whole(env: str, run: Callable[[], CompletedProcess[str]]) -> CompletedProcess[str]:
    """Run Helm. If somebody stops it in the middle, repair at once what it leaves."""
    try:
        return run()
    except KeyboardInterrupt:
        recover(env, 0)
        raise


def backup(env: str) -> None:
    """Copy the hub's database, before another version of the chart changes it, beside it on its volume."""
    now, then = release.running_chart(env), hub.dependency()["version"]
    if not now or now == then or release.kubectl(env, "get", "persistentvolumeclaim", "hub-db-dir").returncode:
        return
    step(f"the chart goes from {now} to {then}: copying the hub's database")
    copy = f"import sqlite3; sqlite3.connect('jupyterhub.sqlite').backup(sqlite3.connect('jupyterhub.sqlite.of-{now}'))"
    done = release.kubectl(
        env, "exec", "deployment/hub", "--", "sh", "-c", f'cd /srv/jupyterhub && python3 -c "{copy}"'
    )
    if done.returncode:
        hub.stop(f"the hub's database was not copied, and so nothing was changed: {done.stderr.strip()}")


def restore(env: str, version: str) -> None:
    """Put back the database as the hub of a chart version left it. The hub is taken away; Helm's rollback makes it."""
    found = release.found(release.kubectl(env, "get", "deployment", "hub", "--output=json"))
    if not found or release.kubectl(env, "get", "persistentvolumeclaim", "hub-db-dir").returncode:
        return
    step(f"putting back the hub's database of chart {version}")
    release.kubectl(env, "delete", "deployment", "hub", "--wait", "--cascade=foreground", "--timeout=120s")
    spec = found["spec"]["template"]["spec"]
    container = spec["containers"][0]
    mount = next(item for item in container["volumeMounts"] if item["name"] == "pvc")
    saved = f"jupyterhub.sqlite.of-{version}"
    copy = f"cd /srv/jupyterhub && cp {saved} restored && rm -f jupyterhub.sqlite-* && mv restored jupyterhub.sqlite"
    kept = {key: container[key] for key in ("image", "securityContext") if key in container}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "restore-database"},
        "spec": {
            **{key: spec[key] for key in ("securityContext", "tolerations", "imagePullSecrets") if key in spec},
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "containers": [{"name": "restore", **kept, "command": ["sh", "-c", copy], "volumeMounts": [mount]}],
            "volumes": [item for item in spec["volumes"] if item["name"] == "pvc"],
        },
    }
    release.kubectl(env, "delete", "pod", "restore-database", "--ignore-not-found")
    release.kubectl(env, "create", "--filename=-", text=json.dumps(pod))
    done = release.kubectl(
        env, "wait", "pod/restore-database", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=180s"
    )
    if done.returncode:
        step(f"the database was NOT put back; the pod restore-database says why: {done.stderr.strip()}")
    else:
        release.kubectl(env, "delete", "pod", "restore-database")


def last(event: dict) -> str:
    """When an event came the last time."""
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def report(env: str, since: str) -> None:
    """The pods that are not well, with their logs, and the warnings since a moment. No secrets."""
    hidden = release.secret_values(env)
    lines = []
    pods = release.found(release.kubectl(env, "get", "pods", "--output=json")).get("items", [])
    for pod in pods:
        name, status = pod["metadata"]["name"], pod["status"]
        states = status.get("initContainerStatuses", []) + status.get("containerStatuses", [])
        ill = [
            state
            for state in states
            if not state.get("ready") and (state["state"].get("terminated") or {}).get("reason") != "Completed"
        ]
        if not ill and not (status["phase"] == "Pending" and not states):
            continue
        lines.append(f"--- pod {name}: {status['phase']}")
        for state in ill:
            why = state["state"].get("waiting") or state["state"].get("terminated") or {}
            lines.append(f"{state['name']}: {why.get('reason', 'not ready')} {why.get('message', '')}".rstrip())
            past = ["--previous"] if state["restartCount"] else []
            lines.append(release.kubectl(env, "logs", name, "--container", state["name"], "--tail=25", *past).stdout)
    events = release.found(release.kubectl(env, "get", "events", "--field-selector=type=Warning", "--output=json")).get(
        "items", []
    )
    # The same warning comes again and again: its last time is enough.
    latest = {}
    for event in sorted(events, key=last):
        if last(event) < since:
            continue
        latest.pop((event["involvedObject"].get("name"), event.get("message")), None)
        latest[event["involvedObject"].get("name"), event.get("message")] = event
    if latest:
        lines.append("--- warnings")
    for (name, message), event in list(latest.items())[-15:]:
        lines.append(f"{event['involvedObject']['kind']} {name}: {event.get('reason')}: {message}")
    print(hub.mask("\n".join(line for line in lines if line), hidden) or "No pod is ill, and there is no warning.")


def test(env: str) -> bool:
    """Send the robot student, and print what it says."""
    step("sending the robot student")
    done = release.helm(env, "test", f"--timeout={ROBOT}")
    said = release.kubectl(env, "logs", "robot-student").stdout
    print(said or done.stderr, end="")
    return done.returncode == 0


def back(env: str, revision: release.Revision, timeout: str) -> bool:
    """Go back to a revision, and its database; whether the robot student is content with it."""
    since = now()
    # An upgrade that cannot pull an image leaves these, and they would go on trying.
    release.kubectl(env, "delete", "--ignore-not-found", "daemonset/hook-image-puller", "job/hook-image-awaiter")
    was = release.chart_of(env, revision.number)
    if was and release.running_chart(env) not in ("", was):
        restore(env, was)
    step(f"going back to revision {revision.number}: {release.subject(revision.commit)}")
    keep = f"--history-max={HISTORY}"
    to = [str(revision.number), "--wait", f"--timeout={timeout}", keep]
    done = whole(env, lambda: release.helm(env, "rollback", *to))
    if done.returncode:
        report(env, since)
        hub.stop(f"the rollback failed, the hub may be down: {done.stderr.strip()}")
    return test(env)


def failed(env: str, what: str, since: str, timeout: str) -> None:
    """After a failure: say what is ill, go back to the last good revision, and stop."""
    print(f"FAILED: {what}", flush=True)
    report(env, since)
    newest = release.revisions(env)[-1:]
    target = release.good(env, below=newest[0].number) if newest else None
    if not target:
        hub.stop(
            f"{hub.release(env)} is left as it is: there is no good revision to go back to, and uninstalling a first "
            "install would give up its address. Mend what stands above, commit, and deploy again"
        )
    servers = len(release.people(env))
    content = back(env, target, timeout)
    hub.stop(
        f"{what.splitlines()[0]}\n{hub.release(env)} is back at what revision {target.number} was "
        f"({release.subject(target.commit)}), and the robot student "
        f"{'passes' if content else 'FAILS THERE TOO: look at the cluster itself'}; "
        f"{servers} students' servers were running and were left alone. "
        "Git still has what failed: mend or revert it"
    )


def where(env: str) -> None:
    """Where people reach the hub, and what DNS still has to learn."""
    hosts, answers = release.addresses(env)
    if not hosts:
        name = hub.release(env)
        print(
            f"Reach it with `kubectl --namespace {name} port-forward service/proxy-public 8000:80`: http://localhost:8000"
        )
    for host in hosts:
        try:
            known = {item[4][0] for item in socket.getaddrinfo(host, 443)}
        except OSError:
            known = set()
        targets = set()
        for answer in answers:
            try:
                targets |= {item[4][0] for item in socket.getaddrinfo(answer, 443)}
            except OSError:
                targets.add(answer)
        if known & targets or (known and not answers):
            print(f"https://{host}")
        else:
            at = " or ".join(answers) or "the address that the cluster's entrance has (docs/cluster.md)"
            now = f"it points at {', '.join(sorted(known))}" if known else "it points nowhere yet"
            print(f"Point {host} at {at}: {now}. The hub itself is well.")


def deploy(env: str, timeout: str) -> None:
    """All of it."""
    commit = committed()
    hub.build_dependency()
    # Before anything is touched: the secrets open, and nothing in them is left to fill in.
    hub.secrets(env)
    release.reach(env)
    name = hub.release(env)
    recover(env, 2 * seconds(timeout))
    step(f"looking at the cluster before {name} becomes {release.subject(commit)}")
    if problems := preflight.look(env, try_policies=not release.revisions(env)):
        hub.stop(f"nothing was changed: {problems} problem{'s' if problems > 1 else ''}, see above")
    install = ["upgrade", "--install", name, str(hub.CHART), "--namespace", name]
    step("asking the chart's guards and the cluster")
    asked = hub.helm(env, *install, "--dry-run=server", "--hide-secret")
    if asked.returncode:
        hub.stop(f"nothing was changed: {asked.stderr.strip()}")
    backup(env)
    since = now()
    step(f"helm upgrade --install, {timeout} at most")
    options = ["--wait", f"--timeout={timeout}", f"--history-max={HISTORY}", f"--labels=commit={commit}"]
    done = whole(env, lambda: hub.helm(env, *install, *options))
    if done.returncode:
        failed(env, f"helm upgrade: {done.stderr.strip()}", since, timeout)
    if not test(env):
        failed(env, "the robot student, see above", since, timeout)
    step(f"{name} is {release.subject(commit)}")
    where(env)


def rollback(env: str, number: int | None, timeout: str) -> None:
    """Go back to a revision: the one that was asked for, or the last good one before the one that runs."""
    release.reach(env)
    recover(env, 2 * seconds(timeout))
    kept = release.revisions(env)
    if not kept:
        hub.stop(f"{hub.release(env)}: nothing is deployed")
    if number is None:
        target = release.good(env, below=kept[-1].number)
    else:
        target = next((item for item in kept if item.number == number), None)
    if not target:
        known = ", ".join(str(item.number) for item in kept)
        which = f"no revision {number}" if number else "no revision before this one whose robot student passed"
        hub.stop(f"there is {which}; Helm keeps {known}: see `make status ENV={env}`, then REVISION=…")
    content = back(env, target, timeout)
    print(
        f"{hub.release(env)} is what revision {target.number} was ({release.subject(target.commit)}). "
        "Git is ahead of it: revert there what was wrong, or the next deploy brings it again."
    )
    if not content:
        hub.stop("The robot student is not content with it.")


def values(env: str) -> None:
    """Print the values without the secrets, and the command for those who run helm by hand."""
    name = hub.release(env)
    layers = " ".join(str(one).replace(f"{hub.ROOT}/", "") for one in hub.layer_arguments(env))
    print("# All values but the secrets. By hand, from the repository's root, in bash with `set -o pipefail`:")
    print(f"#   sops decrypt secrets/{env}.yaml | helm upgrade --install {name} chart --namespace {name} \\")
    print(f"#     {layers} --values -")
    print(yaml.safe_dump(hub.values(env), allow_unicode=True, sort_keys=False), end="")


def interrupted(*_: object) -> None:
    """SIGTERM, as a pipeline sends it, is the same as Ctrl-C."""
    raise KeyboardInterrupt


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("do", choices=["deploy", "rollback", "test", "values"])
    parser.add_argument("--env", choices=hub.ENVIRONMENTS, required=True)
    parser.add_argument("--timeout", default="10m", help="for the upgrade and for a rollback, as helm reads it")
    parser.add_argument("--revision", type=int, help="of a rollback; else the last good one")
    asked = parser.parse_args()
    seconds(asked.timeout)
    signal.signal(signal.SIGTERM, interrupted)
    try:
        if asked.do == "deploy":
            deploy(asked.env, asked.timeout)
        elif asked.do == "rollback":
            rollback(asked.env, asked.revision, asked.timeout)
        elif asked.do == "test":
            release.reach(asked.env)
            sys.exit(0 if test(asked.env) else 1)
        else:
            values(asked.env)
    except KeyboardInterrupt:
        step("interrupted")
        sys.exit(130)


if __name__ == "__main__":
    main()
