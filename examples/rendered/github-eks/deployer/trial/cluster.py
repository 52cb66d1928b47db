"""The cluster of a trial: one that is made on this machine, or one that is named."""

import json
import os
import shutil
import time
from dataclasses import asdict, dataclass

from deployer import chart, files, values
from deployer.cluster import kubectl
from deployer.errors import UserError
from deployer.paths import IMAGE, TRIAL, TRIAL_FOLDER
from deployer.process import find_tool, run

NAME = "z2jh-try"
NOTE = TRIAL_FOLDER / "cluster.json"
KUBECONFIG = TRIAL_FOLDER / "kubeconfig"
# Marks a namespace of `make try`: try-down removes only namespaces with this label.
OWNER = {"app.kubernetes.io/managed-by": "make-try"}
# Seconds in which the volumes of a namespace go after it.
VOLUMES_GO = 120


@dataclass(frozen=True)
class Maker:
    """A program that makes a cluster on this machine with Docker: its commands, the context, and what it downloads."""

    create: tuple[str, ...]
    delete: tuple[str, ...]
    find: tuple[str, ...]
    load: tuple[str, ...]
    context: str
    size: str


MAKERS = {
    "kind": Maker(
        create=("kind", "create", "cluster", "--name", NAME, "--wait", "120s"),
        delete=("kind", "delete", "cluster", "--name", NAME),
        find=("kind", "get", "clusters"),
        load=("kind", "load", "docker-image", "--name", NAME),
        context=f"kind-{NAME}",
        size="the image of kind's node (about 1 GB)",
    ),
    "k3d": Maker(
        create=("k3d", "cluster", "create", NAME, "--wait"),
        delete=("k3d", "cluster", "delete", NAME),
        find=("k3d", "cluster", "list", "--no-headers"),
        load=("k3d", "image", "import", "--cluster", NAME),
        context=f"k3d-{NAME}",
        size="the image of k3d's node (about 200 MB)",
    ),
    "minikube": Maker(
        create=("minikube", "start", "--profile", NAME, "--driver=docker", "--memory=4g"),
        delete=("minikube", "delete", "--profile", NAME),
        find=("minikube", "profile", "list", "--output=json"),
        load=("minikube", "image", "load", "--profile", NAME),
        context=NAME,
        size="the image of minikube's node (about 1 GB)",
    ),
}


@dataclass(frozen=True)
class Note:
    """What a trial has, for the command that removes it: its context, and the program that made the cluster, if one."""

    context: str
    maker: str = ""

    def write(self) -> None:
        """Write the note."""
        files.write_text(NOTE, json.dumps(asdict(self)))


def read_note() -> Note | None:
    """Return what the last trial has made; None if nothing is left of one."""
    return Note(**json.loads(NOTE.read_text(encoding="utf-8"))) if NOTE.is_file() else None


def require_programs(where: str) -> None:
    """Raise UserError that names every program that is missing, and Docker where it does not answer."""
    needed = ("helm", "kubectl", *((where, "docker") if where in MAKERS else ()))
    missing = [name for name in needed if not shutil.which(os.environ.get(name.upper()) or name)]
    if missing:
        raise UserError(
            f"ON={where}: not on the PATH: {', '.join(missing)}. `mise install` brings helm and kubectl; install the "
            "others as their documentation says. `make try` without ON needs none of them"
        )
    if "docker" in needed and run("docker", "info").returncode:
        raise UserError(f"ON={where}: Docker does not answer. Start it, and try again")


def require_image(where: str) -> str:
    """Return the image of image/ that the new cluster gets from this machine; an empty text where there is none.

    Raises UserError where it is not built.
    """
    if not IMAGE.is_dir() or where not in MAKERS:
        return ""
    image = values.describe_image(TRIAL)
    if run("docker", "image", "inspect", image).returncode:
        raise UserError(f"image/: {image} is not on this machine. Build it with `make image`, then try again")
    return image


def describe_downloads(where: str, image: str) -> str:
    """Return what the cluster downloads, where it does not have it yet, with sizes."""
    parts = [MAKERS[where].size] if where in MAKERS else []
    parts.append("the images of the hub and the proxy (about 300 MB)")
    if not image:
        parts.append(f"{values.describe_image(TRIAL).partition('@')[0]} (up to 2 GB)")
    return ", ".join(parts)


def ensure_cluster(where: str) -> Note:
    """Return the note of the cluster, which is created where a program was named and has not made it yet."""
    before = read_note()
    maker = MAKERS.get(where)
    context = maker.context if maker else where
    if before and before.context != context:
        raise UserError(
            f"ON={where}: the trial on {before.context} is still there. Run `make try-down` first, which removes it"
        )
    if not maker:
        use_context(context)
        note = Note(context)
        note.write()
        return note
    # So the program does not change the user's own kubeconfig.
    os.environ["KUBECONFIG"] = str(KUBECONFIG)
    exists = NAME in run(*maker.find).stdout
    if exists and not (before and before.maker):
        raise UserError(
            f"{where} has a cluster {NAME} that this repository has not made. Remove it, or name its context"
        )
    note = Note(context, where)
    note.write()
    if not exists:
        done = run(*maker.create)
        if done.returncode:
            raise UserError(
                f"{where} cannot create the cluster {NAME}: {(done.stderr or done.stdout).strip()}. "
                "`make try-down` removes what it has left"
            )
    return note


def use_context(context: str) -> None:
    """Let kubectl and Helm of this process use one context, by a kubeconfig of its own."""
    done = run(find_tool("kubectl"), "config", "view", "--minify", "--flatten", "--raw", f"--context={context}")
    if done.returncode:
        known = run(find_tool("kubectl"), "config", "get-contexts", "--output=name").stdout.split()
        raise UserError(
            f"ON={context}: it is neither a context of kubectl ({', '.join(known) or 'there is none'}) nor one of "
            f"{', '.join(MAKERS)}"
        )
    files.write_text(KUBECONFIG, done.stdout, mode=0o600)
    os.environ["KUBECONFIG"] = str(KUBECONFIG)


def has_own_namespace() -> bool:
    """Return whether the namespace is there. Raises UserError where `make try` has not made it."""
    name = chart.name_release(TRIAL)
    found = run(find_tool("kubectl"), "get", "namespace", name, "--output=json")
    if found.returncode == 0:
        if not OWNER.items() <= (json.loads(found.stdout)["metadata"].get("labels") or {}).items():
            raise UserError(f"the namespace {name} is there, and `make try` has not made it. Choose another cluster")
        return True
    if "NotFound" not in found.stderr:
        raise kubectl.explain_unreachable(found)
    return False


def wait_for_volumes() -> None:
    """Wait until the volumes have gone, which a provisioner does after the namespace. Raises UserError."""
    end = time.monotonic() + VOLUMES_GO
    while found := [item["metadata"]["name"] for item in kubectl.list_volumes(TRIAL)]:
        if time.monotonic() > end:
            raise UserError(f"the volumes {', '.join(found)} are still there: look at them with `kubectl describe pv`")
        time.sleep(1)
