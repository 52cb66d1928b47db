"""Pods that mount one home each, and the stream between them and this machine, through `kubectl exec`.

They need no credentials and no network. They use the image of the hub, which every cluster of a hub can pull, and the
user and the groups of students' servers, so that no file changes its owner.
"""

import hashlib
import json
import os
import select
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from deployer import chart, values
from deployer.cluster import diagnose, kubectl
from deployer.cluster.servers import USER, list_claims
from deployer.errors import UserError
from deployer.homes.listing import Home
from deployer.process import find_tool
from deployer.yaml_files import find_value

NAME = "home-keeper"
# What the pod runs, in the order in which they import each other.
PROGRAMS = ("tree", "packing", "unpacking", "agent")
BOOT = """
import os, sys, types
for name in ("deployer", "deployer.homes"):
    sys.modules[name] = types.ModuleType(name)
for name in PROGRAMS:
    module = types.ModuleType("__main__" if name == "agent" else f"deployer.homes.{name}")
    sys.modules[f"deployer.homes.{name}"] = module
    setattr(sys.modules["deployer.homes"], name, module)
    exec(os.environ[name.upper()], module.__dict__)
""".replace("PROGRAMS", repr(PROGRAMS))
# Seconds: for a pod to start, without a byte, and between two looks at the student's server.
START, SILENCE, INTERVAL = 180, 120, 10
# Taints of nodes that are for students or for the hub.
DEDICATED = [{"key": f"hub.jupyter.org{mark}dedicated", "operator": "Exists"} for mark in "/_"]


class HomeBusyError(UserError):
    """The student's server waits for the volume. The home comes later."""


def find_server(env: str, home: Home) -> dict[str, Any] | None:
    """Return the pod of the student whose claim this is, if there is one."""
    if not home.label:
        return None
    selector = f"--selector=component=singleuser-server,{USER}={home.label}"
    for pod in kubectl.list_objects(env, "pods", selector):
        if home.claim in list_claims(pod).values() and pod["status"]["phase"] in ("Pending", "Running"):
            return pod
    return None


def describe_pod(env: str, name: str, home: Home | None, writable: bool) -> Any:
    """Return the pod for a home: on the node of the student's server, if that runs. Without one: a scratch volume."""
    hub = kubectl.read_object(env, "deployment", "hub")
    if not hub:
        name = chart.name_release(env)
        raise UserError(f"{name}: nothing is deployed, and the hub's image reads homes. Run `make deploy ENV={env}`")
    spec = hub["spec"]["template"]["spec"]
    user = find_value(values.read_values(env), "jupyterhub", "singleuser") or {}
    uid, gid = user.get("uid") or 1000, user.get("fsGid") or 100
    volume: dict[str, Any] = {"emptyDir": {}}
    mount: dict[str, Any] = {"name": "home", "mountPath": "/home/student", "readOnly": not writable}
    tolerations, affinity = [*spec.get("tolerations", []), *DEDICATED], {}
    if home:
        volume = {"persistentVolumeClaim": {"claimName": home.claim}}
        mount |= {"subPath": home.folder} if home.folder else {}
        if (server := find_server(env, home)) and (node := server["spec"].get("nodeName")):
            # Only one node can have the claim. It may have any taint.
            field = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
            required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [field]}}
            tolerations, affinity = [*tolerations, *server["spec"].get("tolerations", [])], {"nodeAffinity": required}
    folder = Path(__file__).parent
    container = {
        "name": "keeper",
        "image": spec["containers"][0]["image"],
        "command": ["python3", "-c", BOOT, "wait", "/home/student"],
        "env": [{"name": item.upper(), "value": (folder / f"{item}.py").read_text("utf-8")} for item in PROGRAMS],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "256Mi"}},
        "securityContext": {**kubectl.RESTRICTED, "readOnlyRootFilesystem": True},
        "volumeMounts": [mount],
    }
    return kubectl.build_pod(
        name,
        container,
        {"app.kubernetes.io/name": NAME},
        terminationGracePeriodSeconds=1,
        enableServiceLinks=False,
        imagePullSecrets=spec.get("imagePullSecrets", []),
        tolerations=tolerations,
        affinity=affinity,
        securityContext={"runAsUser": uid, "runAsGroup": gid, "fsGroup": gid, "fsGroupChangePolicy": "OnRootMismatch"},
        volumes=[{"name": "home", **volume}],
    )


def explain_start(env: str, name: str) -> str:
    """Return why a pod does not run."""
    events = diagnose.describe_events(env, "", f"involvedObject.name={name},type=Warning", "")
    return events[-1] if events else "it did not run in time"


class Pod:
    """A pod with a home. `look` is called every second of a long stream, and raises what ends it."""

    def __init__(self, env: str, name: str, home: Home | None) -> None:
        """Speak with a pod that runs."""
        self.env, self.name, self.home, self.seen = env, name, home, time.monotonic()

    def name_command(self, *arguments: str) -> list[str]:
        """Return the command line that runs a command of agent.py in the pod."""
        inside = ["python3", "-c", BOOT, arguments[0], "/home/student", *arguments[1:]]
        namespace = ["--namespace", chart.name_release(self.env)]
        return [find_tool("kubectl"), *namespace, "exec", "--stdin", "--quiet", self.name, "--", *inside]

    def require_no_waiting_server(self) -> None:
        """Raise HomeBusyError where the student's server waits for this volume, which another node has not let go."""
        if time.monotonic() - self.seen < INTERVAL or not self.home:
            return
        self.seen = time.monotonic()
        server = find_server(self.env, self.home)
        if server and server["status"]["phase"] == "Pending":
            own = kubectl.read_object(self.env, "pod", self.name).get("spec", {})
            if server["spec"].get("nodeName") != own.get("nodeName"):
                raise HomeBusyError(f"{self.home.student} starts a server now, which goes first")

    def ask(self, *arguments: str, source: Path | None = None) -> Any:
        """Return the JSON that a command prints. Raises UserError with the last line of its errors."""
        with open(source or os.devnull, "rb") as given:
            done = subprocess.run(self.name_command(*arguments), stdin=given, capture_output=True)
        if done.returncode:
            raise UserError(read_last_line(done.stderr))
        return json.loads(done.stdout)

    def restore(self, folder: Path, entry: dict[str, Any], file: str = "") -> dict[str, Any]:
        """Write an archive into the home, or one file of it, and compare. Returns what became of the files."""
        expected = {"sha256": entry["sha256"], "content": entry["content"], "only": file}
        expected["beside"] = f"restored-{time.strftime('%Y-%m-%d')}"
        counts: dict[str, Any] = self.ask("restore", json.dumps(expected), source=folder / entry["file"])
        return counts

    def receive(self, target: Path, limit: float, stopped: threading.Event) -> dict[str, Any]:
        """Write the archive of the home to a file. Returns what the pod says of it."""
        pipe = subprocess.PIPE
        command = self.name_command("archive", str(limit))
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True) as process:
            assert process.stdin and process.stdout and process.stderr
            try:
                with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                    result = self.read_frames(process.stdout, file, stopped)
                    file.flush()
                    os.fsync(file.fileno())
                process.stdin.close()
                process.wait(30)
            except EOFError as error:
                process.kill()
                raise UserError(f"the stream ended early: {read_last_line(process.stderr.read())}") from error
            except BaseException:
                process.kill()
                raise
        return result

    def read_frames(self, stream: IO[bytes], file: IO[bytes], stopped: threading.Event) -> dict[str, Any]:
        """Write the blocks of a stream to a file, until the result comes behind them."""
        descriptor, digest, written = stream.fileno(), hashlib.sha256(), 0

        def read(count: int) -> bytes:
            parts = bytearray()
            last = time.monotonic()
            while len(parts) < count:
                if stopped.is_set():
                    raise UserError("interrupted")
                self.require_no_waiting_server()
                if select.select([descriptor], [], [], 1)[0]:
                    block = os.read(descriptor, count - len(parts))
                    if not block:
                        raise EOFError
                    parts += block
                    last = time.monotonic()
                elif time.monotonic() - last > SILENCE:
                    raise UserError(f"no byte came for {SILENCE} seconds")
            return bytes(parts)

        while length := struct.unpack(">I", read(4))[0]:
            block = read(length)
            digest.update(block)
            written += file.write(block)
        result: dict[str, Any] = json.loads(read(struct.unpack(">I", read(4))[0]))
        if (written, digest.hexdigest()) != (result["bytes"], result["sha256"]):
            raise UserError("other bytes came than were sent")
        return result


def read_last_line(text: bytes) -> str:
    """Return the last line of a program's errors, before what kubectl adds."""
    lines = text.decode(errors="replace").strip().splitlines()
    return ([line for line in lines if not line.startswith("command terminated")] or ["it gave no reason"])[-1]


@contextmanager
def mount_home(env: str, home: Home | None, writable: bool = False) -> Iterator[Pod]:
    """Run a pod with a home, or without one with a scratch volume, and remove it at the end."""
    verb = "write" if writable else "read"
    name = f"{verb}-home-{hashlib.sha256((home.key if home else '').encode()).hexdigest()[:12]}"
    manifest = describe_pod(env, name, home, writable)
    remove = ["delete", "pod", name, "--ignore-not-found", "--grace-period=1"]
    kubectl.run_kubectl(env, *remove)
    created = kubectl.create(env, manifest)
    if created.returncode:
        raise UserError(f"the pod {name} cannot be made: {created.stderr.strip()}")
    try:
        wait = ["wait", f"pod/{name}", "--for=condition=Ready", f"--timeout={START}s"]
        if kubectl.run_kubectl(env, *wait).returncode:
            raise UserError(f"the pod {name} does not start: {explain_start(env, name)}")
        yield Pod(env, name, home)
    finally:
        kubectl.run_kubectl(env, *remove, "--wait=false")


def list_folders(env: str) -> Callable[[Home], list[str]]:
    """Return the function that reads the names of folders in a volume."""

    def read(home: Home) -> list[str]:
        with mount_home(env, home) as pod:
            names: list[str] = pod.ask("list")
            return names

    return read
