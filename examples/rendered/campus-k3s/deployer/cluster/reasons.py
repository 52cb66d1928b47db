"""Why a student's server does not start or does not work, in one sentence that says what to do."""

import re
from typing import Any

from deployer.cluster import failures, servers
from deployer.cluster.servers import Pod, Usage

Event = dict[str, Any]
# Percent of a file system: with less room than this, notebooks are no longer saved.
FULL = 97
NO_SPACE = re.compile(r"No space left on device|Errno 28|Disk quota exceeded|Errno 122")
# Events of a pod and of its volume claims: a volume that is not there, and what comes once it is.
NO_VOLUME = ("FailedMount", "FailedAttachVolume", "ProvisioningFailed", "ExternalProvisioning")
WITH_VOLUME = ("ProvisioningSucceeded", "SuccessfulAttachVolume", "Pulling", "Pulled", "Created", "Started")
# The cluster autoscaler's, where its largest number of nodes is reached.
NO_SCALING = "NotTriggerScaleUp"
MORE_ROOM = "docs/students.md says how to give one student more room"


def explain_image(message: str) -> str:
    """Return the sentence for an image that cannot be pulled."""
    return (
        f"ImagePullBackOff: the image cannot be pulled ({message}). Correct `jupyterhub.singleuser.image` in "
        "config/hub.yaml, or the password of its registry"
    )


def explain_unschedulable(message: str, is_scaling: bool) -> str:
    """Return the sentence for a pod that no node takes."""
    if is_scaling:
        return "No node has room yet: the autoscaler is adding one, which takes some minutes"
    if "volume" in message.lower():
        return f"The volume of the home cannot be used ({message}). docs/cluster.md says which storage the hub needs"
    return f"No node has room for it ({message}). `make seats` says how many servers fit; docs/students.md what to do"


def explain_volume(events: list[Event]) -> str:
    """Return the sentence for a volume that is not there; an empty text where it is."""
    for event in reversed(events):
        if event.get("reason") in NO_VOLUME:
            return f"The volume of the home is not there ({event['message']}). Look at its storage class or NFS server"
        if event.get("reason") in WITH_VOLUME:
            break
    return ""


def explain_pod(pod: Pod, usage: Usage | None, events: list[Event], log: str) -> str:
    """Return why a server does not start or does not work; an empty text if it does.

    `events` are those of the pod and of its volume claims, oldest first; `log` is the end of the server's log.
    """
    state, status = servers.find_state(pod), pod["status"]
    if status.get("phase") == "Failed" and status.get("reason"):
        return (
            f"Kubernetes ended the server ({status['reason']}: {status.get('message', '')}). "
            "`make restart-server ENV=… NAME=…` starts it"
        )
    scaling = [str(event.get("reason")) for event in events if event.get("reason") in (*failures.SCALING, NO_SCALING)]
    # failures.py takes a pod that an autoscaler makes room for to be in no trouble; here it is explained.
    for reason, message, _ in failures.find_troubles(pod, lambda _: False):
        if "Image" in reason:
            return explain_image(find_pull_error(events) or message)
        if reason == "Unschedulable":
            return explain_unschedulable(message, scaling[-1:] not in ([], [NO_SCALING]))
        if reason != "CrashLoopBackOff":
            return f"Kubernetes cannot create the container ({reason}: {message})"
    if not state.get("started") and (missing := explain_volume(events)):
        return missing
    if usage and usage.home_percent >= FULL:
        return explain_full(usage)
    return explain_end(state, log)


def explain_full(usage: Usage) -> str:
    """Return the sentence for a home, or for the disk that it shares, that has no room."""
    if usage.has_limit:
        return f"The home is full ({usage.home_percent} %), so files are not saved. Delete files; {MORE_ROOM}"
    return (
        f"The disk with the homes is full ({usage.home_percent} %), so nobody's files are saved. Let an administrator "
        "make room on it: it is not this student's alone"
    )


def explain_end(state: dict[str, Any], log: str) -> str:
    """Return why the container of a server ended; an empty text if it did not, or if a new one is ready."""
    runs = [(state.get(key) or {}).get("terminated") or {} for key in ("state", "lastState")]
    ended = runs[0] or runs[1]
    if any(run.get("reason") == "OOMKilled" for run in runs):
        return (
            "The server exceeded its memory limit and was killed. Close notebooks, or raise "
            "`jupyterhub.singleuser.memory.limit` in config/hub.yaml"
        )
    if not ended or state.get("ready"):
        return ""
    if NO_SPACE.search(log):
        return f"The home is full, so the server cannot start. {MORE_ROOM}"
    return f"The server ended with exit status {ended.get('exitCode')}: the end of its log says why"


def find_pull_error(events: list[Event]) -> str:
    """Return what the registry answered; an empty text where no event has it."""
    found = [str(event["message"]) for event in events if "Failed to pull image" in str(event.get("message"))]
    return found[-1] if found else ""


def explain_events(events: list[Event]) -> str:
    """Return why the last start of a server failed, whose pod is gone; an empty text if it did not."""
    for event in reversed(events):
        reason, message = str(event.get("reason")), str(event.get("message"))
        if reason == "FailedScheduling":
            return explain_unschedulable(message, is_scaling=False)
        if reason in NO_VOLUME:
            return explain_volume([event])
        if "Failed to pull image" in message:
            return explain_image(message)
        if reason == "BackOff" and "restarting" in message:
            return "The server ended again and again. Run this command while it starts: then it shows the log"
        if reason == "Started":
            return ""
    return ""
