"""The Helm release of an environment: its revisions, and what Helm does with it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone

from deployer import chart
from deployer.cluster import failures, kubectl
from deployer.cluster.kubectl import now
from deployer.paths import CHART
from deployer.process import Done, find_tool, parse_json, run
from deployer.yaml_files import find_value, read_objects

# Revisions that Helm keeps, so that the last good one is still there after some bad days.
HISTORY = "--history-max=20"
DEPLOYED = ("deployed", "superseded")


@dataclass(frozen=True)
class Revision:
    """A revision of the release: its number, Helm's word for its state, when it was made, and of which commit."""

    number: int
    state: str
    made: datetime
    commit: str

    @property
    def is_pending(self) -> bool:
        """Whether Helm is at work on it, or was interrupted."""
        return self.state.startswith("pending")

    @property
    def age(self) -> float:
        """Seconds since it was made."""
        return (datetime.now(timezone.utc) - self.made).total_seconds()


def run_helm(env: str, *command: str) -> Done:
    """Run Helm where it needs no values: words that end with the name of the release, then its options."""
    return run(find_tool("helm"), *command, "--namespace", chart.name_release(env))


def list_revisions(env: str) -> list[Revision]:
    """Return the revisions that Helm keeps, oldest first.

    They are read from the labels of its Secrets: `helm history` does not have the commit.
    """
    name = chart.name_release(env)
    found = []
    for item in kubectl.list_objects(env, "secrets", f"--selector=owner=helm,name={name}"):
        labels = item["metadata"]["labels"]
        made = datetime.strptime(item["metadata"]["creationTimestamp"], "%Y-%m-%dT%H:%M:%S%z")
        found.append(Revision(int(labels["version"]), labels["status"], made, labels.get("commit", "")))
    return sorted(found, key=lambda revision: revision.number)


def read_robot_result(env: str, revision: int) -> str:
    """Return what the robot student said of a revision, which Helm keeps with it: Succeeded, Failed, or nothing."""
    status = run_helm(env, "status", chart.name_release(env), f"--revision={revision}", "--output=json")
    for hook in parse_json(status).get("hooks") or []:
        if hook["name"] == "robot-student" and hook["kind"] == "Pod":
            return str((hook.get("last_run") or {}).get("phase") or "")
    return ""


def find_last_good(env: str, below: int) -> Revision | None:
    """Return the newest revision before one that was deployed and whose robot student passed."""
    for revision in reversed(list_revisions(env)):
        earlier = revision.number < below and revision.state in DEPLOYED
        if earlier and read_robot_result(env, revision.number) == "Succeeded":
            return revision
    return None


def find_last_deployed(env: str) -> Revision | None:
    """Return the revision that was running before an interrupted one; None where none ever was."""
    earlier = [item for item in list_revisions(env) if item.state in DEPLOYED]
    running = [item for item in earlier if item.state == "deployed"] or earlier
    return running[-1] if running else None


def read_image(env: str) -> str:
    """Return the image that students of the running release get, with its digest; an empty text where none runs."""
    values = parse_json(run_helm(env, "get", "values", chart.name_release(env), "--output=json"))
    image = find_value(values, "jupyterhub", "singleuser", "image") or {}
    return f"{image.get('name')}:{image.get('tag')}" if image else ""


def read_chart_version(env: str, revision: int) -> str:
    """Return the version of the jupyterhub chart that a revision was made with."""
    manifest = run_helm(env, "get", "manifest", chart.name_release(env), f"--revision={revision}").stdout
    for item in read_objects(manifest):
        if item["kind"] == "Deployment" and item["metadata"]["name"] == "hub":
            return str(item["metadata"]["labels"]["helm.sh/chart"]).removeprefix("jupyterhub-")
    return ""


def read_running_chart_version(env: str) -> str:
    """Return the version of the jupyterhub chart of the hub in the cluster; an empty text where there is none."""
    metadata = kubectl.read_object(env, "deployment", "hub").get("metadata", {})
    return str(metadata.get("labels", {}).get("helm.sh/chart", "")).removeprefix("jupyterhub-")


def _upgrade(env: str, *options: str, find_failure: Callable[[], str] = lambda: "") -> Done:
    """Run `helm upgrade --install` with the secrets."""
    name = chart.name_release(env)
    command = ["upgrade", "--install", name, str(CHART), "--namespace", name]
    return chart.run_helm_with_secrets(env, *command, *options, find_failure=find_failure)


def try_upgrade(env: str) -> Done:
    """Ask the chart's guards and the cluster about an upgrade, and change nothing."""
    return _upgrade(env, "--dry-run=server", "--hide-secret")


def upgrade(env: str, commit: str, timeout: str) -> Done:
    """Upgrade the release, or install it, and wait until its pods are ready, or until one of them cannot be."""
    watch = failures.Watch(env, now())
    options = ["--wait", f"--timeout={timeout}", HISTORY, f"--labels=commit={commit}"]
    return _upgrade(env, *options, find_failure=watch.find_failure)


def roll_back(env: str, revision: Revision, *options: str) -> Done:
    """Roll the release back to a revision."""
    leave_failed(env, list_revisions(env)[-1], revision)
    # An upgrade that cannot pull an image leaves these, and they would go on trying.
    leftovers = ("daemonset/hook-image-puller", "job/hook-image-awaiter")
    kubectl.run_kubectl(env, "delete", "--ignore-not-found", *leftovers)
    return run_helm(env, "rollback", chart.name_release(env), str(revision.number), HISTORY, *options)


def leave_failed(env: str, newest: Revision, revision: Revision) -> None:
    """Forget a newest revision that failed before it had removed objects of the one to go back to.

    Helm compares with the newest one, and stops at an object which this one does not have and the cluster has. Without
    its record, Helm compares with what ran before, and so would leave what only the failed one has made.
    """
    if newest.state in DEPLOYED:
        return
    wanted, made = list_object_names(env, revision), list_object_names(env, newest)
    if find_existing(env, wanted - made):
        forget_revision(env, newest)
        if strays := find_existing(env, {name for name in made - wanted if not name.startswith("PersistentVolume")}):
            kubectl.run_kubectl(env, "delete", "--ignore-not-found", *strays)


def find_existing(env: str, names: set[str]) -> list[str]:
    """Return those of these objects that the cluster has."""
    if not names:
        return []
    return kubectl.run_kubectl(env, "get", *sorted(names), "--ignore-not-found", "--output=name").stdout.split()


def list_object_names(env: str, revision: Revision) -> set[str]:
    """Return the objects of a revision as kubectl names them: KIND/NAME."""
    manifest = run_helm(env, "get", "manifest", chart.name_release(env), f"--revision={revision.number}").stdout
    return {f"{item['kind']}/{item['metadata']['name']}" for item in read_objects(manifest)}


def uninstall(env: str) -> Done:
    """Remove the release, and wait until its objects are gone."""
    return run_helm(env, "uninstall", chart.name_release(env), "--wait", "--timeout=5m")


def forget_revision(env: str, revision: Revision) -> Done:
    """Remove Helm's record of a revision that failed or was interrupted. The next one takes over its objects.

    After a first install, uninstalling would give up the load balancer's address.
    """
    name = f"sh.helm.release.v1.{chart.name_release(env)}.v{revision.number}"
    return kubectl.run_kubectl(env, "delete", "secret", name)
