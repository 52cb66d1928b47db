"""Failures of an upgrade that waiting does not fix: a missing image, a hub that crashes, a pod without a node."""

import re
import time
from collections.abc import Callable
from typing import Any

from deployer.cluster import diagnose, kubectl

# The pods that Helm waits for. Students' servers and placeholders are not among them.
COMPONENTS = "component in (hub,proxy,autohttps,user-scheduler,hook-image-puller,continuous-image-puller)"
# Registries answer so for an image that does not exist, or that the cluster may not pull.
NEVER = re.compile(
    r"not found|no such host|manifest unknown|does not exist|denied|unauthorized|forbidden|invalid reference", re.I
)
PULLING = ("ErrImagePull", "ImagePullBackOff")
# Seconds for which a state must last, and restarts.
REFUSED_PULL, FAILED_PULL, UNSCHEDULABLE, CRASHES = 15, 120, 60, 3
# Events of an autoscaler that is adding a node for a pod: the cluster autoscaler's and Karpenter's.
SCALING = ("TriggeredScaleUp", "Nominated")

Pod = dict[str, Any]
# The reason, its message, and for how many seconds it must last.
Trouble = tuple[str, str, float]


def find_pull_trouble(state: dict[str, Any]) -> Trouble | None:
    """Return why a container's image cannot be pulled."""
    waiting = state["state"].get("waiting") or {}
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    if reason in ("InvalidImageName", "ErrImageNeverPull"):
        return reason, f"{state['image']}: {message}", 0
    if reason in PULLING:
        # In the back-off the message is only 'Back-off pulling image'; the reason was in ErrImagePull's.
        lasting = REFUSED_PULL if NEVER.search(message) else FAILED_PULL
        return "ImagePullBackOff", f"{state['image']}: {message}", lasting
    return None


def find_crash(state: dict[str, Any]) -> Trouble | None:
    """Return why a container crashes again and again."""
    waiting = state["state"].get("waiting") or {}
    if waiting.get("reason") in ("CreateContainerConfigError", "CreateContainerError", "RunContainerError"):
        return waiting["reason"], waiting.get("message", ""), REFUSED_PULL
    if waiting.get("reason") == "CrashLoopBackOff" and state["restartCount"] >= CRASHES:
        ended = (state.get("lastState") or {}).get("terminated") or {}
        return "CrashLoopBackOff", f"exit status {ended.get('exitCode')}, {state['restartCount']} restarts", 0
    return None


def find_unschedulable(pod: Pod, is_scaling: Callable[[str], bool]) -> Trouble | None:
    """Return why no node takes a pod, unless an autoscaler is adding one."""
    for condition in pod["status"].get("conditions", []):
        unschedulable = condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable"
        if unschedulable and not is_scaling(pod["metadata"]["name"]):
            return "Unschedulable", condition.get("message", ""), UNSCHEDULABLE
    return None


def find_troubles(pod: Pod, is_scaling: Callable[[str], bool]) -> list[Trouble]:
    """Return what keeps a pod from becoming ready, if it is one of these failures."""
    found = [find(state) for state in diagnose.list_states(pod) for find in (find_pull_trouble, find_crash)]
    return [trouble for trouble in (*found, find_unschedulable(pod, is_scaling)) if trouble]


class Watch:
    """Looks at the pods of an upgrade now and then. One Watch is for one upgrade."""

    def __init__(self, env: str, since: str) -> None:
        """Watch the pods that were created since a moment, as Kubernetes writes moments."""
        self.env, self.since = env, since
        self.first_seen: dict[tuple[str, str], float] = {}
        self.reasons: dict[str, str] = {}

    def is_scaling(self, pod: str) -> bool:
        """Return whether an autoscaler is adding a node for a pod."""
        events = kubectl.list_objects(self.env, "events", f"--field-selector=involvedObject.name={pod}")
        return any(event.get("reason") in SCALING for event in events)

    def find_failure(self) -> str:
        """Return the first failure that has lasted long enough; an empty text while there is hope."""
        now = time.monotonic()
        for pod in kubectl.list_objects(self.env, "pods", f"--selector={COMPONENTS}"):
            metadata = pod["metadata"]
            if metadata["creationTimestamp"] < self.since or "deletionTimestamp" in metadata:
                continue
            for reason, message, lasting in find_troubles(pod, self.is_scaling):
                key = (metadata["name"], reason)
                if NEVER.search(message):
                    self.reasons[metadata["name"]] = message
                known = self.reasons.get(metadata["name"], message)
                wanted = REFUSED_PULL if reason == "ImagePullBackOff" and NEVER.search(known) else lasting
                if now - self.first_seen.setdefault(key, now) >= wanted:
                    return f"pod {metadata['name']}: {reason}: {known}"
        return ""
