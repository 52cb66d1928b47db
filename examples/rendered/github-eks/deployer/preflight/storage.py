"""Checks of the storage: the classes of the volumes, and of their snapshots."""

import json
from collections.abc import Iterator
from typing import Any

from deployer import values
from deployer.cluster import kubectl, snapshots
from deployer.cluster.snapshots import DEFAULT_CLASS
from deployer.preflight.findings import Finding, note, ok, problem
from deployer.yaml_files import find_value


def list_storage_classes(found: Any) -> list[tuple[str, str | None]]:
    """Return the keys of the values that name a storage class, with the name; None for the default one."""
    wanted = []
    database = find_value(found, "jupyterhub", "hub", "db") or {}
    if database.get("type", "sqlite-pvc") == "sqlite-pvc":
        wanted.append(("jupyterhub.hub.db.pvc.storageClassName", find_value(database, "pvc", "storageClassName")))
    storage = find_value(found, "jupyterhub", "singleuser", "storage") or {}
    if storage.get("type", "dynamic") == "dynamic":
        key = "jupyterhub.singleuser.storage.dynamic.storageClass"
        wanted.append((key, find_value(storage, "dynamic", "storageClass")))
    return wanted


def check_storage(env: str) -> Iterator[Finding]:
    """Check that the storage classes that the values name are there, or a default one."""
    listed = kubectl.run_kubectl(env, "get", "storageclasses", "--output=json")
    if listed.returncode:
        yield note(f"storage classes were not checked: {listed.stderr.strip()}")
        return
    classes = {item["metadata"]["name"]: item["metadata"] for item in json.loads(listed.stdout)["items"]}
    names = ", ".join(sorted(classes))
    default = [name for name, item in classes.items() if (item.get("annotations") or {}).get(DEFAULT_CLASS) == "true"]
    for key, name in list_storage_classes(values.read_values(env)):
        if name and name not in classes:
            yield problem(f"{key} is {name}; the cluster has {names or 'no storage class'}")
        elif not name and not default:
            yield problem(
                f"the cluster has no default storage class: set {key} to one that it has, {names or 'none'}, "
                f"or mark one: kubectl annotate storageclass NAME {DEFAULT_CLASS}=true"
            )
        else:
            yield ok(f"volumes come from the storage class {name or default[0]} ({key})")


def check_snapshots(env: str) -> Iterator[Finding]:
    """Check that the cluster can take snapshots of homes, where the values say so."""
    if name := snapshots.read_class(env):
        key = ("jupyterhub", "singleuser", "storage", "dynamic", "storageClass")
        storage_class = str(find_value(values.read_values(env), *key) or "")
        gap = snapshots.find_gap(env, name, storage_class) or snapshots.find_missing_rights(env)
        yield problem(gap) if gap else ok(f"snapshots of homes are taken with the class {name}")
