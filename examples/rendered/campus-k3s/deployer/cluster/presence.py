"""Whether a hub can be asked: it may be paused, not deployed yet, or starting. Each has a command that helps."""

from typing import Any

from deployer import chart
from deployer.cluster import failures, kubectl, pause
from deployer.errors import UserError


def require_hub(env: str) -> None:
    """Raise UserError where the hub of an environment does not answer, with the reason."""
    if said := explain_absence(env):
        raise UserError(said)


def explain_absence(env: str) -> str:
    """Return why the hub of an environment does not answer; an empty text where its pod is ready.

    A teaching assistant may read all that is asked for here, and the right to see nothing gives an empty text, too.
    """
    name = chart.name_release(env)
    done = kubectl.run_kubectl(env, "get", "deployment", "hub", "--output=json")
    if said := pause.describe_pause(env):
        return f"{said}. `make resume ENV={env}` wakes it"
    if "(NotFound)" in done.stderr:
        return f"{name}: nothing is deployed. `make deploy ENV={env}` does it"
    pods = kubectl.list_objects(env, "pods", "--selector=component=hub")
    if done.returncode or any(map(is_ready, pods)):
        return ""
    reasons = [
        f"{reason}: {message}" for pod in pods for reason, message, _ in failures.find_troubles(pod, lambda _: False)
    ]
    if reasons:
        return f"{name}: its hub does not start ({reasons[0]}). `make status ENV={env}` shows its pods and revisions"
    return f"{name}: its hub is not ready yet. Try again in a minute; `make status ENV={env}` shows its pods"


def is_ready(pod: dict[str, Any]) -> bool:
    """Return whether the containers of a pod are ready."""
    states = pod["status"].get("containerStatuses") or []
    return bool(states) and all(state.get("ready") for state in states)
