"""The configuration file of a trial's JupyterHub: what the real hub reads, then what this machine changes."""

import sys
from pathlib import Path
from typing import Any

from traitlets.utils.importstring import import_item

from deployer.trial import lifeline, loader, sign_in
from deployer.trial.settings import Settings, read_settings
from deployer.trial.spawner import make_spawner


def load_values(c: Any, settings: Settings) -> None:
    """Read the values, by the chart's own configuration file where the chart is here."""
    if settings.chart_config:
        load_subconfig(settings.chart_config)  # type: ignore[name-defined]  # noqa: F821 (traitlets gives it)
    else:
        loader.load(c, settings.values)


def use_this_machine(c: Any, settings: Settings) -> None:
    """Replace addresses, database, spawner and programs by those of this machine. Nothing listens beyond loopback."""
    folder = Path(settings.folder)
    hub = f"http://127.0.0.1:{settings.hub_port}"
    c.JupyterHub.bind_url = c.JupyterHub.public_url = settings.link
    c.JupyterHub.hub_bind_url = c.JupyterHub.hub_connect_url = hub
    c.JupyterHub.subdomain_host = ""
    c.JupyterHub.db_url = f"sqlite:///{folder / 'hub.sqlite'}"
    c.JupyterHub.upgrade_db = True
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{settings.proxy_port}"
    # The command stops both. Servers end with the hub.
    c.JupyterHub.cleanup_servers, c.JupyterHub.cleanup_proxy = True, False
    base = c.JupyterHub.spawner_class
    c.JupyterHub.spawner_class = make_spawner(import_item(base) if isinstance(base, str) else base)
    c.JupyterHub.template_paths = [map_hub_path(path, folder) for path in c.JupyterHub.get("template_paths", [])]
    notes = folder / "run"
    c.JupyterHub.services = [use_these_programs(dict(service), hub, notes) for service in c.JupyterHub.services]


def map_hub_path(path: str, folder: Path) -> str:
    """Return where a file that hub.extraFiles mounts into the hub's pod is on this machine."""
    here = Path(f"{folder}/hub-files{path}")
    return str(here) if here.exists() else path


def use_these_programs(service: dict[str, Any], hub: str, notes: Path) -> dict[str, Any]:
    """Return a service of the hub with this Python and this hub in its command, ending with the hub."""
    words = [word.replace("http://localhost:8081", hub) for word in service.get("command") or []]
    if words and words[0] in ("python", "python3"):
        words[0] = sys.executable
    return {**service, "command": [sys.executable, lifeline.__file__, str(notes), *words]} if words else service


settings = read_settings()
c = get_config()  # type: ignore[name-defined]  # noqa: F821 (traitlets gives it)
load_values(c, settings)
use_this_machine(c, settings)
sign_in.replace_provider(c, settings)
