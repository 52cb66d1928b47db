"""Write what the hub of a trial reads: its values, the chart's configuration file, and the files of pods."""

import json
import os
import shutil
import tarfile
from pathlib import Path

import yaml

from deployer import chart, values
from deployer.errors import UserError
from deployer.paths import CHART, ENVIRONMENTS
from deployer.secrets import trial
from deployer.yaml_files import YamlMapping, find_value, read_mapping

# Where the chart mounts the configuration into the hub's pod.
MOUNT = "/usr/local/etc/jupyterhub"
# Names of objects that the chart's file looks up, for the addresses of services and for what pods refer to.
OBJECTS = ("hub", "proxy-api", "image-pull-secret", "user-scheduler", "priority", "singleuser")
# Authenticators that ask nobody else, and those that a stand-in can serve, by the sections of hub.config they read.
ALONE = {
    "SharedPasswordAuthenticator",
    "DummyAuthenticator",
    "FirstUseAuthenticator",
    "NativeAuthenticator",
    "TmpAuthenticator",
    "NullAuthenticator",
}
SERVED = {"OAuthenticator", "LTI13Authenticator"}


def read_trial_values(env: str, folder: Path) -> YamlMapping:
    """Return the values of the jupyterhub chart in an environment, its defaults and the secrets of this trial."""
    defaults = {"jupyterhub": read_mapping(CHART / "ci" / "jupyterhub" / "values.yaml")}
    merged = values.merge(values.merge(defaults, values.read_values(env)), trial.read_secrets(folder))
    require_sign_in(merged)
    return dict(merged["jupyterhub"])


def list_sign_in_sections(merged: YamlMapping) -> list[str]:
    """Return the sections of hub.config that the authenticator reads, its own first."""
    name = find_value(merged, "jupyterhub", "hub", "config", "JupyterHub", "authenticator_class") or "dummy"
    known = read_mapping(CHART / "files" / "authenticators.yaml")
    return list(known.get(name) or [str(name).rpartition(".")[2]])


def require_sign_in(merged: YamlMapping) -> None:
    """Raise UserError for an authenticator that works neither here nor with a stand-in."""
    sections = list_sign_in_sections(merged)
    if not {*ALONE, *SERVED} & set(sections):
        raise UserError(
            f"jupyterhub.hub.config.JupyterHub.authenticator_class: a trial cannot stand in for the server that "
            f"{sections[0]} asks. Try it on a cluster: `make deploy ENV={ENVIRONMENTS[0]}`"
        )


def find_chart(cache: Path) -> Path | None:
    """Return the packaged jupyterhub chart where it is on this machine. Nothing is downloaded for a trial."""
    wanted = chart.read_dependency()
    file = f"{wanted['name']}-{wanted['version']}.tgz"
    given = Path(os.environ.get("Z2JH_CHART") or cache)
    for path in (CHART / "charts" / file, given / file if given.is_dir() else given):
        if path.is_file():
            return path
    return None


def write_chart_config(folder: Path, package: Path, given: YamlMapping) -> str:
    """Write the chart's jupyterhub_config.py, and beside it what it reads in a pod. Returns its path."""
    mount = folder / "mounted"
    shutil.rmtree(mount, ignore_errors=True)
    for name in ("secret", "config"):
        (mount / name).mkdir(parents=True)
    with tarfile.open(package) as archive:
        for name in ("jupyterhub_config.py", "z2jh.py"):
            file = archive.extractfile(f"jupyterhub/files/hub/{name}")
            if file:
                (mount / name).write_text(file.read().decode().replace(MOUNT, str(mount)), encoding="utf-8")
        defaults = archive.extractfile("jupyterhub/values.yaml")
        merged = values.merge(yaml.safe_load(defaults.read()) if defaults else {}, given)
    for name in OBJECTS:
        (mount / "config" / name).write_text(name, encoding="utf-8")
    secret = mount / "secret"
    (secret / "values.yaml").write_text(yaml.safe_dump(merged), encoding="utf-8")
    for name, service in (find_value(merged, "hub", "services") or {}).items():
        (secret / f"hub.services.{name}.apiToken").write_text(str(service.get("apiToken") or ""), encoding="utf-8")
    cookie = find_value(merged, "hub", "cookieSecret") or os.urandom(32).hex()
    (secret / "hub.config.JupyterHub.cookie_secret").write_text(cookie, encoding="utf-8")
    keys = find_value(merged, "hub", "config", "CryptKeeper", "keys") or []
    (secret / "hub.config.CryptKeeper.keys").write_text(";".join(keys), encoding="utf-8")
    return str(mount / "jupyterhub_config.py")


def list_chart_environment(hub_port: int, proxy_port: int) -> dict[str, str]:
    """Return what Kubernetes tells the hub's pod of the services beside it."""
    ports = {"HUB": hub_port, "PROXY_API": proxy_port}
    addresses = {f"{name}_SERVICE_HOST": "127.0.0.1" for name in ports}
    return addresses | {f"{name}_SERVICE_PORT": str(port) for name, port in ports.items()}


def write_extra_files(folder: Path, files: YamlMapping | None) -> None:
    """Write extraFiles of the values below a folder, each at the path at which a pod would have it."""
    shutil.rmtree(folder, ignore_errors=True)
    for details in (files or {}).values():
        path = Path(f"{folder}{details['mountPath']}")
        path.parent.mkdir(parents=True, exist_ok=True)
        if "data" in details:
            text = json.dumps(details["data"]) if path.suffix == ".json" else yaml.safe_dump(details["data"])
            path.write_text(text, encoding="utf-8")
        elif "stringData" in details:
            path.write_text(details["stringData"], encoding="utf-8")
