"""What a merge changes, in sentences: what restarts, what students get, who may sign in, seats, objects, secrets."""

from collections.abc import Iterator
from datetime import date

import yaml

from deployer import git
from deployer.impact.side import Side
from deployer.paths import label, secrets_file
from deployer.seats import count_course_seats, describe_cost
from deployer.yaml_files import join_keys, list_leaves

# How sentences name each Deployment whose pods restart.
RESTARTS = {
    "hub": "The hub restarts: for some seconds nobody can sign in or start a server. Running servers are not affected.",
    "proxy": "The proxy restarts: every open notebook loses its connection for some seconds, then reconnects. Running "
    "cells are not affected.",
    "autohttps": "The entrance for https restarts: every open notebook loses its connection for some seconds.",
    "user-scheduler": "The scheduler of the students' servers restarts: a start may take a moment longer.",
}
# Where a change gives everybody another, empty home.
HOMES = {
    "singleuser.storage.type",
    "singleuser.storage.homeMountPath",
    "singleuser.storage.dynamic.pvcNameTemplate",
    "singleuser.storage.static.pvcName",
    "singleuser.storage.static.subPath",
    "hub.config.KubeSpawner.slug_scheme",
}
# What a student's server is given, by its key in the chart.
SERVER = {
    "singleuser.memory.limit": "A student's memory limit",
    "singleuser.memory.guarantee": "A student's memory guarantee",
    "singleuser.cpu.limit": "A student's CPU limit",
    "singleuser.cpu.guarantee": "A student's CPU guarantee",
    "singleuser.defaultUrl": "What opens after sign-in",
}


def describe_changes(base: Side, head: Side) -> Iterator[str]:
    """Yield every sentence about an environment but those about its secrets."""
    versions = [side.objects["Deployment", "hub"]["metadata"]["labels"]["helm.sh/chart"] for side in (base, head)]
    if versions[0] != versions[1]:
        yield f"The chart goes from {versions[0]} to {versions[1]}: the hub's database is copied first."
    yield from describe_restarts(base, head)
    yield from describe_image(base, head)
    yield from describe_values(base, head)
    yield from describe_sign_in(base, head)
    yield from describe_seats(base, head)
    yield from describe_objects(base, head)


def describe_restarts(base: Side, head: Side) -> Iterator[str]:
    """Yield what restarts, and what people notice of it."""
    for name, sentence in RESTARTS.items():
        old, new = base.find_pod_template(name), head.find_pod_template(name)
        if old and new and old != new:
            yield sentence


def describe_image(base: Side, head: Side) -> Iterator[str]:
    """Yield what another image means."""
    old, new = base.describe_image(), head.describe_image()
    if old == new:
        return
    most = head.values["course"].get("node", {}).get("max", "all")
    where = "the node" if most == 1 else f"up to {most} nodes"
    when = "before the hub changes" if head.find("prePuller.hook.enabled") else "when a server starts there"
    yield (
        f"The image goes from {old} to {new}, which is pulled on {where} {when}. Running servers keep the old one "
        "until they are stopped."
    )


def describe_values(base: Side, head: Side) -> Iterator[str]:
    """Yield what students get when their servers start the next time."""
    keys = base.leaves.keys() | head.leaves.keys()
    rest = []
    for key in sorted(key for key in keys if base.leaves.get(key) != head.leaves.get(key)):
        old, new = base.describe(key), head.describe(key)
        if key in HOMES:
            yield (
                f"DANGER: {key} goes from {old} to {new}: everybody would find an empty home. Move the files first, or "
                "undo this change."
            )
        elif key in SERVER:
            yield f"{SERVER[key]} goes from {old} to {new}, for servers that start after the deploy."
        elif key == "singleuser.storage.capacity":
            yield f"The volume of a new student goes from {old} to {new}; existing volumes keep their size."
        elif key == "cull.timeout":
            yield f"Idle servers are stopped after {new} seconds (now: {old})."
        elif key.startswith("singleuser.") and not key.startswith("singleuser.image."):
            rest.append(key.removeprefix("singleuser."))
    if rest:
        named = ", ".join(rest[:6]) + (f" and {len(rest) - 6} more" if len(rest) > 6 else "")
        yield f"Servers that start after the deploy differ in {named}."


def list_changed_keys(base: Side, head: Side, parent: str) -> list[str]:
    """Return the keys below one of the hub's values that differ."""
    keys = {*(base.find(parent) or {}), *(head.find(parent) or {})}
    return sorted(key for key in keys if base.find(f"{parent}.{key}") != head.find(f"{parent}.{key}"))


def describe_sign_in(base: Side, head: Side) -> Iterator[str]:
    """Yield who may sign in, and how."""
    old, new = (side.find("hub.config.JupyterHub.authenticator_class") for side in (base, head))
    changed = [key for key in list_changed_keys(base, head, "hub.config") if key.endswith("Authenticator")]
    if old != new:
        yield f"Sign-in goes from {old} to {new}: where user names become different, people find an empty home."
    elif changed:
        yield f"Who may sign in, or how, changes: see {', '.join(changed)} below."
    if roles := list_changed_keys(base, head, "hub.loadRoles"):
        yield f"Who may do what on the hub changes: see the role {', '.join(roles)} below."


def describe_seats(base: Side, head: Side) -> Iterator[str]:
    """Yield seats and cost, before and after."""
    before, after = base.parse_course(), head.parse_course()
    if not before or not after:
        return
    old, new = count_course_seats(before), count_course_seats(after)
    if old.total != new.total:
        yield f"Seats go from {old.total} to {new.total} ({new.each} per node); the peak is {after.peak} students."
    elif before.peak != after.peak:
        yield f"The peak goes from {before.peak} to {after.peak} students; there are {new.total} seats."
    costs = [describe_cost(side, date.today()) for side in (before, after)]
    if costs[0] != costs[1]:
        yield f"Before: {costs[0][-1]}"
        yield f"After: {costs[1][-1]}"


def describe_objects(base: Side, head: Side) -> Iterator[str]:
    """Yield which objects are created and deleted, and what that costs."""
    for title, here, there in (("is created", head, base), ("is deleted", base, head)):
        if names := sorted(f"{kind} {name}" for kind, name in here.objects.keys() - there.objects.keys()):
            yield f"It {title}: {', '.join(names)}."
    for kind, name in sorted(base.objects.keys() - head.objects.keys()):
        if kind in ("PersistentVolumeClaim", "PersistentVolume"):
            yield f"DANGER: the {kind} {name} is deleted, with everything on it."
    for kind, name in sorted(base.objects.keys() & head.objects.keys()):
        old, new = base.objects[kind, name].get("spec", {}), head.objects[kind, name].get("spec", {})
        if kind == "PersistentVolumeClaim" and old != new:
            yield f"DANGER: the PersistentVolumeClaim {name} changes; Kubernetes lets it grow, and rejects the rest."
        if (kind, name) == ("Service", "proxy-public") and old.get("type") != new.get("type"):
            yield (
                f"The hub's entrance, Service proxy-public, becomes {new.get('type')} (it is {old.get('type')}): its "
                "address changes, and DNS has to follow."
            )


def read_ciphertext(text: str) -> dict[str, object]:
    """Return the values of an encrypted file, encrypted, by their dotted keys."""
    found = yaml.safe_load(text) or {}
    return {join_keys(path): value for path, value in list_leaves(found) if path[0] != "sops"}


def describe_secrets(base_commit: str, env: str) -> Iterator[str]:
    """Yield which secrets change: ciphertext tells which, and not what they are."""
    file = secrets_file(env)
    path = label(file)
    old = read_ciphertext(git.read_committed(base_commit, path))
    new = read_ciphertext(file.read_text("utf-8") if file.is_file() else "")
    changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    if not changed:
        return
    if not old:
        yield "The secrets of this environment are new."
    elif not new:
        yield f"DANGER: {path} is deleted, and without it the deploy stops."
    else:
        yield f"Secrets change: {', '.join(changed)}. The hub restarts; running servers are not affected."
        if any("cookie" in key.lower() for key in changed):
            yield "Everybody has to sign in again: the secret of the cookies changes."
        if any("secretToken" in key or "auth_token" in key for key in changed):
            yield "The proxy restarts: every open notebook loses its connection for some seconds, then reconnects."
