"""The hub's database on its volume: saved before another chart changes it, restored by a rollback."""

from deployer.cluster import kubectl
from deployer.process import Done

FOLDER = "/srv/jupyterhub"


def exists(env: str) -> bool:
    """Return whether the hub has its database on a volume of its own."""
    return kubectl.run_kubectl(env, "get", "persistentvolumeclaim", "hub-db-dir").returncode == 0


def save(env: str, version: str) -> Done:
    """Copy the database beside itself, under the name of the chart version that wrote it."""
    code = (
        "import sqlite3; sqlite3.connect('jupyterhub.sqlite')"
        f".backup(sqlite3.connect('jupyterhub.sqlite.of-{version}'))"
    )
    command = ["exec", "deployment/hub", "--", "sh", "-c", f'cd {FOLDER} && python3 -c "{code}"']
    return kubectl.run_kubectl(env, *command)


def restore(env: str, version: str) -> Done:
    """Put back the database as the hub of a chart version left it.

    The hub's Deployment is removed, and Helm's rollback creates it again: Helm 4 would reject one that was scaled down.
    """
    deployment = kubectl.read_object(env, "deployment", "hub")
    kubectl.run_kubectl(env, "delete", "deployment", "hub", "--wait", "--cascade=foreground", "--timeout=120s")
    spec = deployment["spec"]["template"]["spec"]
    container = spec["containers"][0]
    mount = next(item for item in container["volumeMounts"] if item["name"] == "pvc")
    saved = f"jupyterhub.sqlite.of-{version}"
    copy = f"cd {FOLDER} && cp {saved} restored && rm -f jupyterhub.sqlite-* && mv restored jupyterhub.sqlite"
    kept = {key: container[key] for key in ("image", "securityContext") if key in container}
    pod = kubectl.build_pod(
        "restore-database",
        {"name": "restore", **kept, "command": ["sh", "-c", copy], "volumeMounts": [mount]},
        **{key: spec[key] for key in ("securityContext", "tolerations", "imagePullSecrets") if key in spec},
        volumes=[item for item in spec["volumes"] if item["name"] == "pvc"],
    )
    kubectl.run_kubectl(env, "delete", "pod", "restore-database", "--ignore-not-found")
    kubectl.create(env, pod)
    succeeded = "--for=jsonpath={.status.phase}=Succeeded"
    done = kubectl.run_kubectl(env, "wait", "pod/restore-database", succeeded, "--timeout=180s")
    if done.returncode == 0:
        kubectl.run_kubectl(env, "delete", "pod", "restore-database")
    return done
