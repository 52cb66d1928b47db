"""Where the homes of a hub are: a claim for each student, or folders of one claim."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer import chart, values
from deployer.cluster import kubectl, presence
from deployer.cluster.servers import USER, read_owner
from deployer.errors import UserError
from deployer.process import Done, parse_json
from deployer.yaml_files import YamlMapping, find_value

# The folder that all students of an NFS share see. No student has this name.
SHARED = "_shared"
# KubeSpawner's own code says how it names the claim or the folder of a student, and the student in labels. Without a
# name, of all users in the hub's database. It also says whether the database has the student, null where it is
# elsewhere, and which names there are close.
NAMING = """
import difflib, json, sqlite3, sys
from types import SimpleNamespace
from kubespawner import KubeSpawner
from kubespawner.slugs import is_valid_label, safe_slug
template, scheme, *students = sys.argv[1:]
try:
    database = sqlite3.connect("file:/srv/jupyterhub/jupyterhub.sqlite?mode=ro", uri=True)
    users = {name for name, in database.execute("select name from users")}
except sqlite3.Error:
    if not students:
        raise
    users = None
named = {}
for student in students or users:
    spawner = SimpleNamespace(name="", user=SimpleNamespace(name=student, id=0), slug_scheme=scheme)
    spawner._namespace_default = lambda: ""
    name = KubeSpawner._expand_user_properties(spawner, template)
    label = safe_slug(student, is_valid=is_valid_label)
    close = difflib.get_close_matches(student.lower(), users or (), n=3, cutoff=0.7)
    known = None if users is None else student in users
    named[student] = {"name": name, "label": label, "known": known, "close": close}
print(json.dumps(named))
"""


@dataclass(frozen=True)
class Home:
    """A home: the name of its archive (of the claim, or of the folder), the student, and the volume."""

    key: str
    student: str
    claim: str
    # In the claim; empty where the claim is all of this student.
    folder: str = ""
    # The student in labels, where only one node can mount the claim.
    label: str = ""
    size: str = ""


def read_storage(env: str) -> YamlMapping:
    """Return the values of the students' storage."""
    return find_value(values.read_values(env), "jupyterhub", "singleuser", "storage") or {}


def is_shared(env: str) -> bool:
    """Return whether all homes are in one claim."""
    return bool(read_storage(env).get("type") == "static")


def find_folders(env: str) -> tuple[str, str]:
    """Return the claim with all homes, and the folder in it that has them."""
    static = read_storage(env).get("static") or {}
    return str(static.get("pvcName")), str(static.get("subPath") or "{username}").partition("{")[0].rstrip("/")


def describe_claim(claim: dict[str, Any]) -> Home:
    """Return the home that a claim is."""
    student, server = read_owner(claim)
    size = (claim["status"].get("capacity") or claim["spec"]["resources"]["requests"])["storage"]
    name, labels = claim["metadata"]["name"], claim["metadata"].get("labels") or {}
    student = f"{student}/{server}" if server else student
    return Home(key=name, student=student, claim=name, label=str(labels.get(USER, "")), size=size)


def list_homes(env: str, list_folders: Callable[[Home], list[str]]) -> list[Home]:
    """Return the homes, sorted by name. `list_folders` reads the names of folders in a volume."""
    robot = find_value(values.read_values(env), "robotStudent", "user")
    if not is_shared(env):
        claims = kubectl.list_objects(env, "persistentvolumeclaims", "--selector=component=singleuser-storage")
        # A claim that was never bound has never had a file.
        found = [describe_claim(claim) for claim in claims if claim["status"].get("phase") == "Bound"]
        return sorted((home for home in found if home.student != robot), key=lambda home: home.key)
    claim, folder = find_folders(env)
    names = list_folders(Home(key=claim, student="", claim=claim, folder=folder))
    # Where the hub does not run, or has its database elsewhere, the folder's name is all that is known.
    students = {item["name"]: student for student, item in parse_json(ask_hub(env)).items()}
    paths = {name: f"{folder}/{name}".lstrip("/") for name in names}
    homes = [Home(name, students.get(path, name), claim, path) for name, path in sorted(paths.items())]
    homes = [home for home in homes if home.student != robot]
    if shared := find_value(read_storage(env), "extraVolumeMounts", "shared", "subPath"):
        homes.append(Home(SHARED, SHARED, claim, shared))
    return homes


def ask_hub(env: str, *students: str) -> Done:
    """Let the hub's KubeSpawner name the homes of students."""
    storage = read_storage(env)
    spawner = find_value(values.read_values(env), "jupyterhub", "hub", "config", "KubeSpawner") or {}
    if is_shared(env):
        template = str(find_value(storage, "static", "subPath") or "{username}")
    else:
        own = find_value(storage, "dynamic", "pvcNameTemplate") or spawner.get("pvc_name_template")
        template = str(own or "claim-{user_server}")
    arguments = [template, str(spawner.get("slug_scheme", "safe")), *students]
    return kubectl.run_kubectl(env, "exec", "deployment/hub", "--", "python3", "-c", NAMING, *arguments)


def name_home(env: str, student: str) -> dict[str, Any]:
    """Return what the hub's KubeSpawner says of the home of a student.

    `name` is that of the claim or folder, `label` is the student in labels. `known` says whether the student has signed
    in, and is None where the hub's database cannot be read; `close` are names there that are like this one.
    """
    done = ask_hub(env, student)
    if done.returncode:
        presence.require_hub(env)
        raise UserError(
            f"{student}: {chart.name_release(env)} does not say where the home of this student is: "
            f"{(done.stderr.strip().splitlines() or ['no reason'])[-1]}. The hub must run: `make status ENV={env}`"
        )
    named: dict[str, Any] = json.loads(done.stdout)[student]
    return named


def name_missing_homes(env: str, students: list[str], homes: list[Home]) -> dict[str, dict[str, Any]]:
    """Return the names as `name_home` does, of all students who have no home: asking for each would take seconds."""
    missing = [student for student in students if not find_home(student, homes) and student != SHARED]
    return parse_json(ask_hub(env, *missing)) if missing else {}


def find_home(student: str, homes: list[Home]) -> Home | None:
    """Return the home of a student, which may be named as its archive is."""
    return next((home for home in homes if student in (home.student, home.key)), None)


def describe_new_home(env: str, student: str, homes: list[Home], names: dict[str, dict[str, Any]]) -> str:
    """Return the home that is created for a student without one, and the name to check; an empty text if it is there.

    Raises UserError for a name that differs from a user's in capitals only: the hub would never look for that home.
    """
    named = names.get(student)
    if not named or any(named["name"] in (home.key, home.folder) for home in homes):
        return ""
    hub, known = chart.name_release(env), named["known"]
    created = f"the {'folder' if is_shared(env) else 'claim'} {named['name']} is created"
    if known:
        return f"{student} has no home on {hub} yet: {created}"
    if student.lower() in named["close"]:
        raise UserError(f"{student}: {hub} has the user {student.lower()}. Write the name as the hub does")
    unknown = "has not signed in to" if known is False else "has no home on"
    close = f" (there is {', '.join(named['close'])})" if named["close"] else ""
    return f"{student} {unknown} {hub} yet: {created}, for a user of exactly this name. Check how it is spelled{close}"


def find_or_create_home(
    env: str, student: str, homes: list[Home], entry: dict[str, Any], names: dict[str, dict[str, Any]]
) -> Home:
    """Return the home of a student, which is made where there is none, as the hub would make it.

    `entry` is what the manifest says of the archive for it, `names` what is known of names.
    """
    if home := find_home(student, homes):
        return home
    if is_shared(env) and student == Path(entry["folder"]).name:
        name, folder = find_folders(env)
        return Home(student, student, name, f"{folder}/{student}".lstrip("/"))
    if student == SHARED:
        raise UserError(f"{chart.name_release(env)} has no folder that all students share: restore it AS=a student")
    named = names.get(student) or name_home(env, student)
    if found := [home for home in homes if named["name"] in (home.key, home.folder)]:
        return found[0]
    if is_shared(env):
        # The kubelet makes the folder when a pod mounts it, as it does for a new student.
        return Home(named["name"], student, find_folders(env)[0], named["name"])
    claim = describe_new_claim(env, student, named, entry["capacity"])
    done = kubectl.create(env, claim, "--output=json")
    if done.returncode:
        raise UserError(f"{student}: no home can be made: {done.stderr.strip()}")
    return describe_claim(json.loads(done.stdout))


def describe_new_claim(env: str, student: str, named: dict[str, Any], size: str) -> dict[str, Any]:
    """Return the claim of a student who has none: with the names and labels by which KubeSpawner finds it."""
    storage = read_storage(env)
    dynamic = storage.get("dynamic") or {}
    labels = {
        USER: named["label"],
        "component": "singleuser-storage",
        "app": "jupyterhub",
        "release": chart.name_release(env),
        "app.kubernetes.io/managed-by": "kubespawner",
    }
    spec: dict[str, Any] = {
        "accessModes": dynamic.get("storageAccessModes") or ["ReadWriteOnce"],
        "resources": {"requests": {"storage": size or storage.get("capacity") or "10Gi"}},
    }
    if dynamic.get("storageClass") is not None:
        spec["storageClassName"] = dynamic["storageClass"]
    metadata = {"name": named["name"], "labels": labels, "annotations": {USER: student}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}
