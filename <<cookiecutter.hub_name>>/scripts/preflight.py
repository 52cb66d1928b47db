"""Look at the cluster before a deploy: what would fail there, or work differently than the values say."""

import argparse
import json
import re
import time

import release
import seats
import yaml

import hub

# Bytes of Kubernetes' units; its memory comes in Ki nearly always.
UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def amount(quantity: str) -> float:
    """A quantity of Kubernetes as a number."""
    number, unit = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", quantity).groups()
    return float(number) / 1000 if unit == "m" else float(number) * UNITS[unit]


class Findings:
    """What was found, printed as it comes."""

    def __init__(self) -> None:
        self.problems = 0

    def good(self, sentence: str) -> None:
        print(f"ok       {sentence}", flush=True)

    def note(self, sentence: str) -> None:
        print(f"note     {sentence}", flush=True)

    def problem(self, sentence: str) -> None:
        print(f"PROBLEM  {sentence}", flush=True)
        self.problems += 1


def version(env: str, find: Findings) -> None:
    """Kubernetes is new enough for the chart."""
    done = release.run(hub.tool("kubectl"), "version", "--output=json")
    told = release.found(done).get("serverVersion")
    if not told:
        release.no_cluster(done)
    wanted = int(re.search(r"1\.(\d+)", hub.read(hub.CHART / "Chart.yaml")["kubeVersion"])[1])
    if int(re.match(r"\d+", told["minor"])[0]) < wanted:
        find.problem(f"Kubernetes is {told['gitVersion']}, and chart/Chart.yaml wants 1.{wanted} or newer: upgrade it")
    else:
        find.good(f"Kubernetes {told['gitVersion']}")


def namespace(env: str, find: Findings) -> None:
    """The namespace is there, or is made now, as what follows is tried in it."""
    name = hub.release(env)
    if release.kubectl(env, "get", "namespace", name).returncode == 0:
        find.good(f"the namespace {name} is there")
    elif (made := release.kubectl(env, "create", "namespace", name)).returncode == 0:
        find.good(f"the namespace {name} was made")
    else:
        find.problem(
            f"the namespace {name} is not there and cannot be made: {made.stderr.strip()}; "
            "let an administrator apply cluster/deployer.yaml"
        )


def storage(env: str, find: Findings) -> None:
    """The storage classes that the values name are there, or a default one."""
    values = hub.values(env)["jupyterhub"]
    wanted = set()
    if values.get("hub", {}).get("db", {}).get("type", "sqlite-pvc") == "sqlite-pvc":
        wanted.add(
            ("jupyterhub.hub.db.pvc.storageClassName", values["hub"]["db"].get("pvc", {}).get("storageClassName"))
        )
    home = values.get("singleuser", {}).get("storage", {})
    if home.get("type", "dynamic") == "dynamic":
        key = "jupyterhub.singleuser.storage.dynamic.storageClass"
        wanted.add((key, home.get("dynamic", {}).get("storageClass")))
    listed = release.kubectl(env, "get", "storageclasses", "--output=json")
    if listed.returncode:
        find.note(f"storage classes were not checked: {listed.stderr.strip()}")
        return
    classes = {item["metadata"]["name"]: item for item in json.loads(listed.stdout)["items"]}
    mark = "storageclass.kubernetes.io/is-default-class"
    default = [name for name, item in classes.items() if item["metadata"].get("annotations", {}).get(mark) == "true"]
    for key, name in sorted(wanted, key=str):
        if name and name not in classes:
            find.problem(f"{key} is {name}; the cluster has {', '.join(sorted(classes)) or 'no storage class'}")
        elif not name and not default:
            find.problem(
                f"the cluster has no default storage class: set {key} to one of those that it has, "
                f"{', '.join(sorted(classes)) or 'none'}, or mark one: kubectl annotate storageclass NAME {mark}=true"
            )
        else:
            find.good(f"volumes come from the storage class {name or default[0]} ({key})")


def nodes(env: str, find: Findings) -> None:
    """Nodes have what course.node says."""
    listed = release.run(hub.tool("kubectl"), "get", "nodes", "--output=json")
    if listed.returncode:
        find.note(f"nodes were not checked: {listed.stderr.strip()}")
        return
    node = hub.values(env)["course"]["node"]
    items = json.loads(listed.stdout)["items"]
    label = "hub.jupyter.org/node-purpose"
    mine = [item for item in items if item["metadata"].get("labels", {}).get(label) == "user"] or items
    if not mine:
        find.note("there is no node now; course.node was not checked")
    for item in mine:
        has = item["status"]["allocatable"]
        name = item["metadata"]["name"]
        less = []
        if amount(has["memory"]) < seats.memory(node["memory"], "course.node.memory"):
            less.append(f"memory {amount(has['memory']) / 2**30:.1f}G, not {node['memory']}")
        if amount(has["cpu"]) < node.get("cpu", 0):
            less.append(f"cpu {amount(has['cpu']):g}, not {node['cpu']}")
        if amount(has["pods"]) < node.get("pods", 0):
            less.append(f"pods {has['pods']}, not {node['pods']}")
        if less:
            find.note(f"the node {name} has less than course.node in config/hub.yaml says: {'; '.join(less)}")
        else:
            find.good(f"the node {name} has what course.node says")
    if len(mine) > node["max"]:
        find.note(f"there are {len(mine)} nodes for students; course.node.max is {node['max']}")


def privileged(env: str, find: Findings) -> None:
    """A privileged init container is let in, where the values have one."""
    user = hub.values(env)["jupyterhub"].get("singleuser", {})
    if not user.get("cloudMetadata", {}).get("blockWithIptables", True):
        find.good("no privileged container is needed")
        return
    container = {"name": "try", "image": "none.invalid/try:1", "securityContext": {"privileged": True, "runAsUser": 0}}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "preflight-privileged"},
        "spec": {"initContainers": [container], "containers": [{"name": "main", "image": "none.invalid/try:1"}]},
    }
    tried = release.kubectl(env, "create", "--dry-run=server", "--filename=-", text=json.dumps(pod))
    if tried.returncode:
        find.problem(
            "the cluster lets no privileged init container in, with which the chart bars students from the cloud's "
            f"metadata: {tried.stderr.strip()}\n         Set jupyterhub.singleuser.cloudMetadata.blockWithIptables: "
            "false in config/hub.yaml; the network policy bars them as well"
        )
    else:
        find.good("privileged init containers are let in")


def probe(name: str, labels: dict, code: str, image: str) -> dict:
    """A pod that runs a line of Python."""
    container = {
        "name": "probe",
        "image": image,
        "command": ["python3", "-c", code],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "64Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    spec = {"containers": [container], "restartPolicy": "Never", "automountServiceAccountToken": False}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}


def policies(env: str, find: Findings) -> None:
    """The cluster enforces network policies: tried with two pods and a policy between them."""
    shown = hub.output(hub.tool("helm"), "show", "values", str(hub.packaged_chart()))
    defaults = yaml.safe_load(shown)["hub"]["image"]
    chosen = hub.merge(defaults, hub.values(env)["jupyterhub"].get("hub", {}).get("image") or {})
    image = f"{chosen['name']}:{chosen['tag']}"
    mine = {"app.kubernetes.io/name": "preflight"}
    barred = {**mine, "preflight": "barred"}
    serve = "import http.server as s; s.ThreadingHTTPServer(('', 8000), s.BaseHTTPRequestHandler).serve_forever()"
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "preflight", "labels": mine},
        "spec": {"podSelector": {"matchLabels": barred}, "policyTypes": ["Ingress"], "ingress": []},
    }
    servers = [probe("preflight-barred", barred, serve, image), probe("preflight-open", mine, serve, image)]
    everything = ["delete", "pods,networkpolicies", "--selector=app.kubernetes.io/name=preflight", "--now"]
    release.kubectl(env, *everything)
    try:
        for item in [policy, *servers]:
            made = release.kubectl(env, "create", "--filename=-", text=json.dumps(item))
            if made.returncode:
                find.note(f"network policies were not tried: {made.stderr.strip()}")
                return
        ready = release.kubectl(
            env,
            "wait",
            "pods",
            "--selector=app.kubernetes.io/name=preflight",
            "--for=condition=Ready",
            "--timeout=180s",
        )
        if ready.returncode:
            find.note(f"network policies were not tried, the pods do not start with {image}: {ready.stderr.strip()}")
            return
        pods = release.found(
            release.kubectl(env, "get", "pods", "--selector=app.kubernetes.io/name=preflight", "--output=json")
        )
        address = {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in pods["items"]}
        # A policy takes a moment until it holds. The open server shows that the barred one could be reached.
        code = f"""
import socket, time
def reached(host):
    try:
        socket.create_connection((host, 8000), timeout=3).close()
        return True
    except OSError:
        return False
for _ in range(10):
    there, barred = reached('{address["preflight-open"]}'), not reached('{address["preflight-barred"]}')
    if there and barred:
        break
    time.sleep(1)
print('open' if not barred else 'barred' if there else 'unreachable')
"""
        client = probe("preflight-client", mine, code, image)
        release.kubectl(env, "create", "--filename=-", text=json.dumps(client))
        end = time.monotonic() + 120
        said = ""
        while time.monotonic() < end and not said:
            time.sleep(1)
            said = release.kubectl(env, "logs", "preflight-client").stdout.strip()
        if said == "barred":
            find.good("network policies are enforced")
        elif said == "open":
            find.problem(
                "network policies are not enforced: students would reach the proxy's API and each other. Give the "
                "cluster a network plugin that enforces them (docs/cluster.md)"
            )
        else:
            find.note("network policies were not tried: the pods did not reach each other at all")
    finally:
        release.kubectl(env, *everything, "--wait=false")


def look(env: str, try_policies: bool) -> int:
    """Make the checks; the number of problems."""
    find = Findings()
    for check in (version, namespace, storage, nodes, privileged):
        check(env, find)
    if try_policies and not find.problems:
        policies(env, find)
    return find.problems


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", choices=hub.ENVIRONMENTS, required=True)
    env = parser.parse_args().env
    if problems := look(env, try_policies=True):
        hub.stop(
            f"{problems} problem{'s' if problems > 1 else ''}: mend what stands above before `make deploy ENV={env}`"
        )


if __name__ == "__main__":
    main()
