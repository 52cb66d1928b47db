"""What a trial prints: its steps, and at the end how to sign in and what only a cluster shows."""

import time
from pathlib import Path

from deployer.paths import ENVIRONMENTS, IMAGE
from deployer.trial.people import list_role_users
from deployer.trial.settings import Settings
from deployer.yaml_files import find_value


class Progress:
    """Steps, each with the seconds since the start."""

    def __init__(self) -> None:
        self.start = time.monotonic()

    def say(self, step: str) -> None:
        """Print the step that begins."""
        print(f"{time.monotonic() - self.start:6.1f} s  {step}", flush=True)


def describe(settings: Settings, env: str) -> str:
    """Return what a person needs to use the trial."""
    lines = ["", f"The hub of {env} on this machine: {settings.link}", ""]
    lines += describe_sign_in(settings)
    lines += ["", *describe_limits(settings), "", "Ctrl-C stops it. Its logs are .try/hub.log and .try/proxy.log."]
    return "\n".join(lines)


def describe_sign_in(settings: Settings) -> list[str]:
    """Return the names to sign in with, and the passwords."""
    hub = settings.values.get("hub") or {}
    staff = list_role_users(hub.get("loadRoles"))
    name = find_value(hub, "config", "JupyterHub", "authenticator_class")
    if name == "shared-password":
        given = find_value(hub, "config", "SharedPasswordAuthenticator") or {}
        allowed = [user for user in given.get("allowed_users") or [] if user not in staff]
        others = ", ".join(allowed[:8]) if allowed else "any other name"
        return [
            f"  course staff   {', '.join(staff)}    password {given.get('admin_password')}",
            f"  students       {others}    password {given.get('user_password')}",
        ]
    who = ", ".join(staff[:8]) or "the staff"
    return [
        f"  Sign-in by '{name}' does not know this machine: a page stands in for it, to choose {who},",
        f"  a student or somebody else. The password of this trial is {settings.password}",
    ]


def describe_limits(settings: Settings) -> list[str]:
    """Return in three lines what this machine does not show, and the commands that do."""
    user = settings.values.get("singleuser") or {}
    image = str(find_value(user, "image", "name")).rpartition("/")[2]
    file = Path(settings.server_programs).parent / "missing"
    missing = file.read_text(encoding="utf-8").split() if file.is_file() else []
    without = f", nor {', '.join(missing)}, without a wheel for this machine" if missing else ""
    own = " and the packages of image/" if IMAGE.is_dir() else ""
    return [
        f"Servers have JupyterLab, numpy, pandas, scipy, matplotlib{own}, not the rest of {image}{without}.",
        f"Not here: the memory limit ({find_value(user, 'memory', 'limit')}), volumes, TLS and network policies.",
        f"A cluster shows them: `make try ON=kind`, or `make deploy ENV={ENVIRONMENTS[0]}`.",
    ]
