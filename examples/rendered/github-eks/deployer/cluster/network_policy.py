"""Try whether the cluster enforces network policies: with two servers, a policy in front of one, and a client."""

import time
from typing import Any

import yaml

from deployer import chart, values
from deployer.cluster import kubectl
from deployer.process import find_tool, parse_json, read_output
from deployer.yaml_files import find_value

ENFORCED = "blocked"
IGNORED = "open"
SELECTOR = "--selector=app.kubernetes.io/name=preflight"
LABELS = {"app.kubernetes.io/name": "preflight"}
BLOCKED = {**LABELS, "preflight": "blocked"}
POLICY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "preflight", "labels": LABELS},
    "spec": {"podSelector": {"matchLabels": BLOCKED}, "policyTypes": ["Ingress"], "ingress": []},
}
SERVER = "import http.server as s; s.ThreadingHTTPServer(('', 8000), s.BaseHTTPRequestHandler).serve_forever()"
# A policy takes a moment until it holds. The open server shows that the blocked one could be reached.
CLIENT = """
import socket, sys, time
def reached(host):
    try:
        socket.create_connection((host, 8000), timeout=3).close()
        return True
    except OSError:
        return False
for _ in range(10):
    there, blocked = reached(sys.argv[1]), not reached(sys.argv[2])
    if there and blocked:
        break
    time.sleep(1)
print('open' if not blocked else 'blocked' if there else 'unreachable')
"""


def build_pod(name: str, labels: dict[str, str], image: str, *command: str) -> Any:
    """Return a pod that runs Python."""
    container = {
        "name": "probe",
        "image": image,
        "command": ["python3", "-c", *command],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "64Mi"}},
        "securityContext": {**kubectl.RESTRICTED, "runAsUser": 1000},
    }
    return kubectl.build_pod(name, container, labels)


def choose_image(env: str) -> str:
    """Return the image of the hub, which the cluster pulls in any case."""
    shown = read_output(find_tool("helm"), "show", "values", chart.find_packaged_chart())
    given = find_value(values.read_values(env), "jupyterhub", "hub", "image") or {}
    image = {**yaml.safe_load(shown)["hub"]["image"], **given}
    return f"{image['name']}:{image['tag']}"


def test(env: str, namespace: str) -> str:
    """Return ENFORCED, IGNORED, or why it could not be tried in a namespace. Removes what it creates."""
    image = choose_image(env)
    remove = ["delete", "pods,networkpolicies", SELECTOR, "--now"]
    kubectl.run_in(namespace, *remove)
    try:
        servers = [
            build_pod("preflight-open", LABELS, image, SERVER),
            build_pod("preflight-blocked", BLOCKED, image, SERVER),
        ]
        for item in [POLICY, *servers]:
            created = kubectl.create_in(namespace, item)
            if created.returncode:
                return created.stderr.strip()
        ready = kubectl.run_in(namespace, "wait", "pods", SELECTOR, "--for=condition=Ready", "--timeout=180s")
        if ready.returncode:
            return f"the pods do not start with {image}: {ready.stderr.strip()}"
        listed = parse_json(kubectl.run_in(namespace, "get", "pods", SELECTOR, "--output=json"))
        addresses = {pod["metadata"]["name"]: str(pod["status"]["podIP"]) for pod in listed["items"]}
        client = build_pod(
            "preflight-client", LABELS, image, CLIENT, addresses["preflight-open"], addresses["preflight-blocked"]
        )
        kubectl.create_in(namespace, client)
        end = time.monotonic() + 120
        said = ""
        while time.monotonic() < end and not said:
            time.sleep(1)
            said = kubectl.run_in(namespace, "logs", "preflight-client").stdout.strip()
        return said if said in (ENFORCED, IGNORED) else "the pods did not reach each other at all"
    finally:
        kubectl.run_in(namespace, *remove, "--wait=false")
