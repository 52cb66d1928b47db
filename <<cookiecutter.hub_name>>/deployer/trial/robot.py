"""The robot student on a trial: its checks that need no cluster."""

import json
import os
import subprocess
import time
from pathlib import Path

from deployer.errors import UserError
from deployer.paths import CHART
from deployer.trial import configuration
from deployer.trial.lifeline import die_with_parent
from deployer.trial.processes import Trial
from deployer.trial.settings import Settings
from deployer.yaml_files import YamlMapping, find_value

# Checks that require a cluster: limits of memory, the cloud's metadata, Kubernetes' credentials, network policies.
NEED_CLUSTER = ("memory", "metadata", "kubernetes", "network")
# Traits that the sign-in page shows to everybody.
PUBLIC = {"authorize_url", "client_id", "issuer", "oauth_callback_url", "tenant_id", "idps", "github_url"}
PUBLIC |= {"login_service"}


def list_imports(settings: Settings, wanted: list[str]) -> list[str]:
    """Return those of the modules that this machine has: the others are in the image."""
    code = "import importlib.util, sys; print(*[name for name in sys.argv[1:] if importlib.util.find_spec(name)])"
    shown = subprocess.run(
        [f"{settings.server_programs}/python", "-c", code, *wanted], capture_output=True, text=True, check=True
    )
    return shown.stdout.split()


def list_sign_in(settings: Settings) -> YamlMapping:
    """Return the authenticator, with where the stand-in of this machine is for its provider."""
    config: YamlMapping = find_value(settings.values, "hub", "config") or {}
    name = find_value(config, "JupyterHub", "authenticator_class")
    found: YamlMapping = {
        section: {trait: traits[trait] for trait in PUBLIC if trait in traits}
        for section, traits in config.items()
        if isinstance(traits, dict)
    }
    sections = configuration.list_sign_in_sections({"jupyterhub": settings.values})
    here = f"{settings.link}hub"
    if "OAuthenticator" in sections:
        stand_in: YamlMapping = {
            "authorize_url": f"{here}/trial/provider",
            "oauth_callback_url": f"{here}/oauth_callback",
        }
    elif "LTI13Authenticator" in sections:
        stand_in = {"authorize_url": f"{here}/trial/launch", "issuer": f"{here}/trial/launch", "client_id": ["trial"]}
    else:
        stand_in = {}
    return {"name": name, "config": {**found, sections[0]: {**found.get(sections[0], {}), **stand_in}}}


def run(settings: Settings, trial: Trial, hub: Path, expected: YamlMapping) -> None:
    """Send the robot, which prints its table. Raises UserError where a check fails."""
    wanted = expected.get("imports") or []
    found = list_imports(settings, wanted)
    if left_out := sorted(set(wanted) - set(found)):
        print(f"          not here, only in the image: {', '.join(left_out)}", flush=True)
    expect = {
        "user": expected["user"],
        "seconds": 600,
        "url": settings.link,
        "signIn": list_sign_in(settings),
        "startTimeout": 60,
        "imports": found,
        "files": expected.get("files") or [],
    }
    token = find_value(settings.values, "hub", "services", "robot-student", "apiToken")
    environ = {**os.environ, "EXPECT": json.dumps(expect), "JUPYTERHUB_API_TOKEN": str(token)}
    program: list[str | Path] = [hub / "bin" / "python", CHART / "files" / "robot_student.py", *NEED_CLUSTER]
    # In a group of its own: Ctrl-C stops the trial, which stops the robot.
    done = subprocess.Popen(program, env=environ, start_new_session=True, preexec_fn=die_with_parent)
    trial.running["robot"] = done
    while (status := done.poll()) is None:
        trial.require_running()
        time.sleep(0.1)
    del trial.running["robot"]
    if status:
        raise UserError(f"The robot student found something wrong, as its table says.\n{trial.read_end('hub')}")
