"""The files that a hub pod reads, from a rendering with fake secrets, and the environment that it has."""

import base64
import json
from pathlib import Path
from typing import Any

import yaml

from deployer.yaml_files import YamlMapping

# Where the chart mounts them.
MOUNT = "/usr/local/etc/jupyterhub"
# Where chart/values.yaml mounts the programs that its snippets run.
COURSE = "/etc/course/"
# In place of the database and of the secrets, of which the rendering has fakes.
OVERRIDES = f"""
c.JupyterHub.db_url = "sqlite://"
c.JupyterHub.cookie_secret = "{"0" * 64}"
c.CryptKeeper.keys = ["{"0" * 64}"]
"""
# KubeSpawner reads it where there is no pod; it connects to nothing before it starts a server.
CLUSTER = {
    "current-context": "none",
    "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
    "clusters": [{"name": "none", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "none", "user": {}}],
}


def write_cluster(home: Path) -> None:
    """Write a kubeconfig where programs with this home look for it."""
    (home / ".kube").mkdir()
    (home / ".kube" / "config").write_text(yaml.safe_dump(CLUSTER), encoding="utf-8")


def write_configuration(objects: list[YamlMapping], folder: Path) -> None:
    """Write what the hub pod has into a new folder, with jupyterhub_config.py and the environment at its top."""
    folder.mkdir()
    for item in objects:
        if item["kind"] in ("ConfigMap", "Secret") and item["metadata"]["name"] == "hub":
            is_secret = item["kind"] == "Secret"
            mounted = folder / ("secret" if is_secret else "config")
            mounted.mkdir()
            for name, content in read_data(item).items():
                (mounted / name).write_bytes(move_course(content, folder))
    for name in ("jupyterhub_config.py", "z2jh.py"):
        text = (folder / "config" / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace(MOUNT, str(folder)), encoding="utf-8")
    with (folder / "jupyterhub_config.py").open("a", encoding="utf-8") as file:
        file.write(OVERRIDES)
    write_extra_files(objects, folder)
    environ = list_environment(find_hub(objects), folder)
    (folder / "environment.json").write_text(json.dumps(environ), encoding="utf-8")


def write_extra_files(objects: list[YamlMapping], folder: Path) -> None:
    """Write the files of hub.extraFiles that are below MOUNT, where some are code, and the programs of /etc/course."""
    found = {name: content for item in objects for name, content in read_data(item).items()}
    for mount in find_hub(objects).get("volumeMounts") or []:
        path, name = str(mount["mountPath"]), str(mount.get("subPath"))
        if mount["name"] == "files" and path.startswith(f"{MOUNT}/") and name in found:
            target = folder / path.removeprefix(f"{MOUNT}/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(found[name])
    (folder / "course").mkdir()
    for item in objects:
        if item["kind"] == "ConfigMap" and str(item["metadata"]["name"]).startswith("course-"):
            for name, content in read_data(item).items():
                (folder / "course" / name).write_bytes(move_course(content, folder))


def read_data(item: YamlMapping) -> dict[str, bytes]:
    """Return the files that a ConfigMap or a Secret has."""
    if item["kind"] not in ("ConfigMap", "Secret"):
        return {}
    is_secret = item["kind"] == "Secret"
    data = {
        name: base64.b64decode(text) if is_secret else text.encode() for name, text in (item.get("data") or {}).items()
    }
    return data | {name: str(text).encode() for name, text in (item.get("stringData") or {}).items()}


def move_course(content: bytes, folder: Path) -> bytes:
    """Return content that reads the programs of the chart where write_extra_files has put them."""
    return content.replace(COURSE.encode(), f"{folder}/course/".encode())


def find_hub(objects: list[YamlMapping]) -> dict[str, Any]:
    """Return the hub's container: its image and its environment."""
    for item in objects:
        if item["kind"] == "Deployment" and item["metadata"]["name"] == "hub":
            containers: list[dict[str, Any]] = item["spec"]["template"]["spec"]["containers"]
            return containers[0]
    return {}


def list_environment(container: dict[str, Any], folder: Path) -> dict[str, str]:
    """Return the environment of the hub pod, without variables that come from other objects."""
    environ = {item["name"]: str(item.get("value", "from-another-object")) for item in container.get("env") or []}
    for name in ("hub", "proxy-api", "proxy-public", "proxy-http"):
        path = folder / "config" / name
        service = (path.read_text(encoding="utf-8") if path.is_file() else name).upper().replace("-", "_")
        environ |= {f"{service}_SERVICE_HOST": "127.0.0.1", f"{service}_SERVICE_PORT": "8000"}
    return environ
