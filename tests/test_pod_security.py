"""The namespaces carry the Pod Security label `restricted`: every pod of a hub, and each student's, fits it.

The rules are those of https://kubernetes.io/docs/concepts/security/pod-security-standards/. In tests/e2e Kubernetes
itself applies them.
"""

import asyncio
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import hubs
import pytest
import yaml
from kubernetes_asyncio.client import ApiClient
from kubespawner import KubeSpawner
from traitlets.config.loader import PyFileConfigLoader

from repositories import change_values, objects, render, run_python

DOMAIN = {"hub_domain": "hub.example.edu"}
CONTENT = {"course_content": "https://git.example.edu/course/content.git"}
CLASS = {"class_times": "mon 10:00-11:30"}
HUBS = {
    "default": CONTENT | CLASS,
    "gke": DOMAIN | CLASS | {"platform": "gke", "tls": "autohttps", "architecture": "arm64"},
    "eks": DOMAIN | {"platform": "eks", "tls": "ingress", "sign_in": "github", "sign_in_allow": "example-org"},
    "aks": DOMAIN | {"platform": "aks", "tls": "gateway", "image_name": "registry.example.edu/course/image"},
    "k3s": DOMAIN | CONTENT | {"platform": "k3s", "tls": "ingress", "storage": "nfs"},
}
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def violations(spec: dict) -> Iterator[str]:
    """What `restricted` forbids in the specification of a pod."""
    pod = spec.get("securityContext") or {}
    yield from (f"{key} is set" for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key))
    for volume in spec.get("volumes") or []:
        if kinds := set(volume) - {"name"} - VOLUMES:
            yield f"volume {volume['name']} is a {', '.join(kinds)}"
    for container in (spec.get("initContainers") or []) + spec["containers"]:
        own = container.get("securityContext") or {}
        name, added = container["name"], (own.get("capabilities") or {}).get("add") or []
        if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
            yield f"{name} may gain privileges"
        if (own.get("capabilities") or {}).get("drop") != ["ALL"] or set(added) - {"NET_BIND_SERVICE"}:
            yield f"{name} has capabilities"
        if not own.get("runAsNonRoot", pod.get("runAsNonRoot")) or own.get("runAsUser", pod.get("runAsUser")) == 0:
            yield f"{name} may run as root"
        if (own.get("seccompProfile") or pod.get("seccompProfile") or {}).get("type") != "RuntimeDefault":
            yield f"{name} has no seccomp profile"
        if any("hostPort" in port for port in container.get("ports") or []):
            yield f"{name} has a host port"


def pods_of(item: dict) -> Iterator[tuple[str, dict]]:
    """The pods that an object is or makes."""
    name, spec = f"{item['kind']} {item['metadata']['name']}", item.get("spec") or {}
    if item["kind"] == "Pod":
        yield name, spec
    if item["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    if "template" in spec and "spec" in spec["template"]:
        yield name, spec["template"]["spec"]


def student_pod(items: list[dict], folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    """The specification of the pod that the real KubeSpawner makes for a student."""
    config_file = hubs.configuration(items, folder)
    for name, value in hubs.environment(folder).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.delitem(sys.modules, "z2jh", raising=False)
    config = PyFileConfigLoader(config_file.name, path=str(folder)).load_config()

    monkeypatch.setattr("kubespawner.spawner.load_config", lambda **_: None)

    async def manifest() -> dict:
        spawner = KubeSpawner(config=config, _mock=True)
        spawner.api_token = "token"  # noqa: S105
        spawner.port = 8888
        pod = await spawner.get_pod_manifest()
        return ApiClient().sanitize_for_serialization(pod)["spec"]

    return asyncio.run(manifest())


@pytest.mark.chart
@pytest.mark.parametrize("name", HUBS)
def test_every_pod_is_restricted(bake, chart: Path, tmp_path: Path, monkeypatch, name: str) -> None:
    items = objects(render(bake(**HUBS[name]), "prod"))
    pods = dict(pair for item in items for pair in pods_of(item))
    assert {"Deployment hub", "Deployment proxy", "Pod robot-student"} <= set(pods)
    pods["a student"] = student_pod(items, tmp_path / "hub", monkeypatch)
    assert "initContainers" not in pods["a student"]
    assert {pod: found for pod, spec in pods.items() if (found := list(violations(spec)))} == {}


@pytest.mark.chart
def test_a_privileged_init_container_is_found(bake, chart: Path, tmp_path: Path, monkeypatch) -> None:
    """What the chart's default puts into each student's pod."""
    options = ["--set", "jupyterhub.singleuser.cloudMetadata.blockWithIptables=true"]
    items = objects(render(bake(), "prod", *options))
    found = list(violations(student_pod(items, tmp_path / "hub", monkeypatch)))
    assert "block-cloud-metadata may gain privileges" in found and "block-cloud-metadata may run as root" in found


@pytest.mark.parametrize("platform", ["any", "k3s"])
def test_the_namespaces_have_the_label(bake, platform: str) -> None:
    written = yaml.safe_load_all((bake(platform=platform) / "cluster" / "deployer.yaml").read_text(encoding="utf-8"))
    labels = [item["metadata"].get("labels") for item in written if item["kind"] == "Namespace"]
    assert labels == [{"pod-security.kubernetes.io/enforce": "restricted"}] * 2


@pytest.mark.parametrize(
    ("allow", "level", "wanted"),
    [
        (["root-user", "host-path"], "baseline", "privileged"),
        (["root-user"], "restricted", "baseline"),
        (["privileged"], "privileged", ""),
        (["moving-tags"], "restricted", ""),
    ],
)
def test_preflight_names_the_label_that_course_allow_needs(allow, level, wanted, edited):
    repository = edited()
    change_values(repository / "config/hub.yaml", {"course": {"allow": allow}})
    code = f"from deployer.preflight import namespace as n; print(*n.compare_pod_security('prod', {level!r}, False))"
    said = run_python(repository, code).stdout
    assert bool(said.strip()) == bool(wanted), said
    if wanted:
        assert said.startswith("Finding(level='PROBLEM', sentence=\"course.allow: ")
        assert f"-prod pod-security.kubernetes.io/enforce={wanted}`" in said
        # Before the first deploy there is nothing to put a label on.
        assert re.search(r"run `kubectl create namespace \S+-prod` and `kubectl label --overwrite", said)
