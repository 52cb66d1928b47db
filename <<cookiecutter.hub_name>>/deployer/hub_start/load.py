"""Load the configurations of hubs as their pods do, without starting them. Runs with the packages of the hub image.

In each folder given, the chart's own jupyterhub_config.py reads the rendered values. JupyterHub then makes its users,
roles, services, proxy and authenticator, with a database in memory, and a spawner: what fails here fails in the pod.
choices.py makes a student's pod for each profile and choice.

Writes report.json into the folder: what was loaded last, the error if there is one, warnings about old names, the pods,
and the settings that the guards of the chart read, as code has left them.
"""

import asyncio
import json
import logging
import multiprocessing
import os
import sys
import traceback
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from jupyterhub.app import JupyterHub

from deployer.hub_start.choices import make_pods

OLD_NAME = "is deprecated"
# The filename that Python gives to the code of hub.extraConfig.
SNIPPET = "<string>"
# What opens a hub to people, besides the traits that start with allow, and what opens a node to a server.
SIGN_IN = {
    *("admin_users", "admin_groups", "authorize_url", "blocked_users", "create_users", "github_url", "gitlab_url"),
    *("hosted_domain", "idps", "jwks_endpoint", "open_signup", "scope", "strip_domain", "tenant_id", "token_url"),
    *("userdata_url", "username_claim", "username_key", "username_map", "username_pattern", "validate_server_cert"),
}
# Another name of idps.
OLD_SIGN_IN = {"allowed_idps"}
WEBSITE = ("xsrf_cookies", "headers")
SPAWNER = (
    *("uid", "service_account", "privileged", "allow_privilege_escalation", "pod_security_context"),
    *("container_security_context", "extra_container_config", "extra_pod_config", "volumes", "init_containers"),
    *("extra_containers",),
)


class Keeper(logging.Handler):
    """Keeps warnings about names that a package has replaced, and errors, which JupyterHub logs before it exits."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.warnings: list[str] = []
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message."""
        text = record.getMessage()
        if OLD_NAME in text:
            self.warnings.append(text)
        elif record.levelno >= logging.ERROR:
            self.errors.append(text)


async def load(folder: Path, keeper: Keeper) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Initialize JupyterHub and its spawners. Returns the settings and the students' pods. Raises what they raise."""
    app = JupyterHub()
    app.log.addHandler(keeper)
    await app.initialize(["--config", str(folder / "jupyterhub_config.py")])
    # Before a pod is made, which may change what it is made of.
    settings = json.loads(json.dumps(collect_settings(app), default=make_plain))
    pods, warnings = await make_pods(app)
    keeper.warnings += warnings
    return settings, pods


def collect_settings(app: JupyterHub) -> dict[str, Any]:
    """Return the settings in use, whatever has set them, with the classes that the authenticator is, its own first."""
    authenticator = app.authenticator
    wanted = {name for name in authenticator.trait_names(config=True) if name.startswith("allow")} | SIGN_IN
    people = {name: getattr(authenticator, name, None) for name in sorted(wanted - OLD_SIGN_IN)}
    server = app.spawner_class(config=app.config, _mock=True)
    website = {name: app.tornado_settings[name] for name in WEBSITE if name in app.tornado_settings}
    return {
        "hub": {"admin_access": app.admin_access, "tornado_settings": website},
        "classes": [f"{item.__module__}.{item.__name__}" for item in type(authenticator).__mro__],
        "sign_in": {name: value for name, value in people.items() if value or isinstance(value, bool)},
        "spawner": {name: getattr(server, name) for name in SPAWNER if getattr(server, name, None) is not None},
        "roles": app.load_roles,
        "services": [{"name": item.get("name"), "admin": item.get("admin")} for item in app.services],
    }


def make_plain(value: Any) -> Any:
    """Return a set as a list, and anything else that JSON does not have as a text."""
    return sorted(map(str, value)) if isinstance(value, set | frozenset) else str(value)


def describe(error: BaseException, errors: list[str]) -> dict[str, Any]:
    """Return an error, and the line of the snippet that raised it; 0 where it was not in one."""
    while isinstance(error, SystemExit) and error.__context__:
        error = error.__context__
    text = errors[-1] if isinstance(error, SystemExit) and errors else str(error)
    frames = traceback.extract_tb(error.__traceback__)
    line = next((frame.lineno or 0 for frame in reversed(frames) if frame.filename == SNIPPET), 0)
    return {"kind": type(error).__name__, "text": " ".join(text.split()), "line": line}


def report(folder: Path) -> None:
    """Load the configuration in a folder, and write what became of it."""
    os.environ.update(json.loads((folder / "environment.json").read_text(encoding="utf-8")))
    os.chdir(folder)
    printed, keeper = StringIO(), Keeper()
    error: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    pods: list[dict[str, Any]] = []
    with redirect_stdout(printed):
        try:
            settings, pods = asyncio.run(load(folder, keeper))
        except (Exception, SystemExit) as raised:
            error = describe(raised, keeper.errors)
    loaded = [line for line in printed.getvalue().splitlines() if line.startswith("Loading ")]
    found: dict[str, Any] = {"loaded": loaded[-1] if loaded else "", "error": error, "warnings": keeper.warnings}
    found |= {"settings": settings, "pods": pods}
    (folder / "report.json").write_text(json.dumps(found), encoding="utf-8")


def main() -> None:
    """Report on each folder in a process of its own, in which the packages are already imported."""
    for folder in sys.argv[1:]:
        process = multiprocessing.get_context("fork").Process(target=report, args=[Path(folder)])
        process.start()
        process.join()


if __name__ == "__main__":
    main()
