"""Say what runs in an environment and what ran before; what deploy and preflight share of Helm and the cluster."""

import argparse
import base64
import json
import re
import subprocess
import time
from datetime import datetime, timezone
from typing import NamedTuple, NoReturn

import yaml

import hub


class Revision(NamedTuple):
    """A revision of the release: its number, Helm's word for its state, when it was made, and of which commit."""

    number: int
    state: str
    made: datetime
    commit: str


def run(*command: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command and say nothing: see returncode."""
    return subprocess.run(command, input=text, capture_output=True, text=True, cwd=hub.ROOT)


def kubectl(env: str, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run kubectl in the environment's namespace."""
    return run(hub.tool("kubectl"), "--namespace", hub.release(env), *arguments, text=text)


def helm(env: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run helm on the environment's release, where no values are needed: the first argument is the command."""
    release = hub.release(env)
    command, *rest = arguments
    return run(hub.tool("helm"), *command.split(), release, *rest, "--namespace", release)


def found(done: subprocess.CompletedProcess[str]) -> dict:
    """The JSON that a command printed; empty where it failed, so also where the cluster does not let one look."""
    return json.loads(done.stdout) if done.returncode == 0 else {}


def no_cluster(done: subprocess.CompletedProcess[str]) -> NoReturn:
    """Stop with what kubectl says last; before it come its log's lines, one for each time that it tried."""
    why = [line for line in done.stderr.splitlines() if line.strip() and not re.match(r"[EWI]\d{4} ", line)]
    hub.stop(
        f"kubectl reaches no cluster: {why[-1] if why else 'it says nothing'}; docs/cluster.md has its credentials"
    )


def reach(env: str) -> None:
    """Stop with a sentence if there is no cluster, or no right to look into the namespace."""
    done = kubectl(env, "auth", "can-i", "get", "secrets")
    if done.returncode and done.stdout.strip() != "no":
        no_cluster(done)
    if done.stdout.strip() == "no":
        hub.stop(f"kubectl reaches the cluster, but may not use the namespace {hub.release(env)}; see docs/cluster.md")


def revisions(env: str) -> list[Revision]:
    """The revisions that Helm keeps, oldest first, from the labels of its Secrets (`helm history` has no commit)."""
    listed = found(kubectl(env, "get", "secrets", f"--selector=owner=helm,name={hub.release(env)}", "--output=json"))
    made = [
        Revision(
            int(labels["version"]),
            labels["status"],
            datetime.strptime(metadata["creationTimestamp"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc),
            labels.get("commit", ""),
        )
        for metadata in (item["metadata"] for item in listed.get("items", []))
        for labels in [metadata["labels"]]
    ]
    return sorted(made)


def robot(env: str, revision: int) -> str:
    """What the robot student said of a revision: Succeeded, Failed, or nothing. Helm keeps it with the revision."""
    hooks = found(helm(env, "status", f"--revision={revision}", "--output=json")).get("hooks") or []
    for hook in hooks:
        if hook["name"] == "robot-student" and hook["kind"] == "Pod":
            return (hook.get("last_run") or {}).get("phase") or ""
    return ""


def good(env: str, below: int | None = None) -> Revision | None:
    """The newest revision, or the newest before one, that was deployed and whose robot student passed."""
    for revision in reversed(revisions(env)):
        if (
            (below is None or revision.number < below)
            and revision.state in ("deployed", "superseded")
            and robot(env, revision.number) == "Succeeded"
        ):
            return revision
    return None


def chart_of(env: str, revision: int) -> str:
    """The version of the jupyterhub chart that a revision was made with."""
    for item in yaml.safe_load_all(helm(env, "get manifest", f"--revision={revision}").stdout):
        if item and item["kind"] == "Deployment" and item["metadata"]["name"] == "hub":
            return item["metadata"]["labels"]["helm.sh/chart"].removeprefix("jupyterhub-")
    return ""


def running_chart(env: str) -> str:
    """The version of the jupyterhub chart of the hub in the cluster; empty if there is none."""
    deployment = found(kubectl(env, "get", "deployment", "hub", "--output=json"))
    labels = deployment.get("metadata", {}).get("labels", {})
    return labels.get("helm.sh/chart", "").removeprefix("jupyterhub-")


def subject(commit: str) -> str:
    """A commit as people know it; what a label has where this checkout does not have the commit."""
    if not commit:
        return "no commit known: deployed by hand"
    shown = run("git", "log", "-1", "--format=%h %s", commit)
    return shown.stdout.strip() if shown.returncode == 0 else f"{commit[:9]} (not in this checkout)"


def addresses(env: str) -> tuple[list[str], list[str]]:
    """The host names that people type, and where the cluster answers for them."""
    values = hub.values(env)["jupyterhub"]
    proxy = values.get("proxy", {})
    hosts = [
        *((proxy.get("https") or {}).get("hosts") or []),
        *((values.get("ingress") or {}).get("hosts") or []),
        *((values.get("httpRoute") or {}).get("hostnames") or []),
    ]
    answers = []
    for kind in ("service/proxy-public", "ingress", "gateway"):
        listed = found(kubectl(env, "get", kind, "--output=json"))
        for item in listed.get("items", [listed] if listed else []):
            status = item.get("status", {})
            for one in (status.get("loadBalancer", {}).get("ingress") or []) + (status.get("addresses") or []):
                answers.append(one.get("ip") or one.get("hostname") or one.get("value"))
    return list(dict.fromkeys(hosts)), list(dict.fromkeys(filter(None, answers)))


def people(env: str) -> list[dict]:
    """The pods of students' servers."""
    listed = found(kubectl(env, "get", "pods", "--selector=component=singleuser-server", "--output=json"))
    return listed.get("items", [])


def secret_values(env: str) -> list[str]:
    """What must not be printed: what the chart's Secrets hold in the cluster. Needs no key."""
    known: list[str] = []
    paths = [path for path, _ in hub.leaves(hub.read(hub.FAKE_SECRETS).get("jupyterhub", {}))]
    for name in ("hub", "proxy", "image-pull-secret"):
        for key, encoded in (found(kubectl(env, "get", "secret", name, "--output=json")).get("data") or {}).items():
            text = base64.b64decode(encoded).decode(errors="replace")
            if key == "values.yaml":
                # All values of the hub; the secret ones stand where chart/ci/fake-secrets.yaml has them.
                values = dict(hub.leaves(yaml.safe_load(text)))
                known += [str(values[path]) for path in paths if path in values]
            else:
                known.append(text)
    return known


def words(revision: Revision, robots: dict[int, str]) -> str:
    """A revision in a line."""
    said = {"Succeeded": "robot passed", "Failed": "robot failed"}.get(robots.get(revision.number, ""), "robot not run")
    made = revision.made.astimezone().strftime("%Y-%m-%d %H:%M")
    return f"  {revision.number:4}  {made}  {revision.state:16} {said:14} {subject(revision.commit)}"


def status(env: str) -> None:
    """Print what is running, which commit, the revisions, and who is on."""
    reach(env)
    kept = revisions(env)
    if not kept:
        print(f"{hub.release(env)}: nothing is deployed; `make deploy ENV={env}` does it")
        return
    now = kept[-1]
    print(
        f"{hub.release(env)}: revision {now.number} is {now.state}, {subject(now.commit)}, chart {running_chart(env)}"
    )
    if now.commit and (head := run("git", "rev-parse", "HEAD").stdout.strip()) != now.commit:
        print(f"This checkout is at another commit: {subject(head)}")
    pods = found(kubectl(env, "get", "pods", "--selector=component!=singleuser-server", "--output=json"))
    for pod in pods.get("items", []):
        states = [state.get("ready") for state in pod["status"].get("containerStatuses", [])]
        restarts = sum(state["restartCount"] for state in pod["status"].get("containerStatuses", []))
        health = "ready" if states and all(states) else pod["status"]["phase"]
        print(f"  {pod['metadata']['name']:40} {health:10} restarts {restarts}")
    servers = people(env)
    print(f"Servers of {len(servers)} people:" if servers else "Nobody is on.")
    for pod in servers:
        name = pod["metadata"].get("annotations", {}).get("hub.jupyter.org/username", pod["metadata"]["name"])
        print(f"  {name:40} {pod['status']['phase']:10} since {pod['metadata']['creationTimestamp']}")
    print("Revisions, oldest first:")
    robots = {revision.number: robot(env, revision.number) for revision in kept}
    for revision in kept:
        # What Helm calls pending for ever was interrupted.
        stale = revision.state.startswith("pending") and revision != now
        print(words(revision._replace(state="interrupted") if stale else revision, robots))


def wait_for_others(env: str, limit: float) -> Revision | None:
    """The newest revision if it is pending, after its deploy had the time to end; None if nothing is pending."""
    said = False
    while kept := revisions(env):
        age = (datetime.now(timezone.utc) - kept[-1].made).total_seconds()
        if not kept[-1].state.startswith("pending"):
            return None
        if age >= limit:
            return kept[-1]
        if not said:
            print(
                f"Revision {kept[-1].number} is {kept[-1].state} since {age:.0f} seconds, and another deploy may be at "
                f"work: waiting for it, {limit - age:.0f} seconds at most.",
                flush=True,
            )
            said = True
        time.sleep(5)
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", choices=hub.ENVIRONMENTS, required=True)
    status(parser.parse_args().env)


if __name__ == "__main__":
    main()
