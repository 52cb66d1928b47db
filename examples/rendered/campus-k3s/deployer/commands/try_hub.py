"""Run the hub on this machine: JupyterHub, its proxy and students' servers as local processes, with no cluster."""

import argparse
import os
import shutil
import signal
import sys
import time
import webbrowser
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deployer import values
from deployer.commands.options import parse_environment, parse_port
from deployer.errors import UserError
from deployer.paths import ENVIRONMENTS, IMAGE, ROOT
from deployer.paths import TRIAL_FOLDER as FOLDER
from deployer.secrets import trial as trial_secrets
from deployer.trial import configuration, links, packages, robot
from deployer.trial.people import list_role_users
from deployer.trial.processes import Trial
from deployer.trial.settings import VARIABLE, Settings
from deployer.yaml_files import find_value

# Seconds. The hub is up after two; a machine that is busy with something else takes longer.
START = 90


class Progress:
    """Steps, each with the seconds since the start."""

    def __init__(self) -> None:
        self.start = time.monotonic()

    def say(self, step: str) -> None:
        """Print the step that begins."""
        print(f"{time.monotonic() - self.start:6.1f} s  {step}", flush=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--env", type=parse_environment, choices=ENVIRONMENTS, default=ENVIRONMENTS[0], help="whose values to use"
    )
    parser.add_argument("--port", type=parse_port, help=f"where to listen on the loopback address ({links.PORT})")
    parser.add_argument("--robot", action="store_true", help="send the robot student, then stop")
    parser.add_argument("--no-browser", action="store_true", help="open no browser")


def run(arguments: argparse.Namespace) -> None:
    progress = Progress()
    trial = Trial(FOLDER)
    trial.claim()
    # A terminal that is closed is treated like Ctrl-C.
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    try:
        settings = start(trial, arguments, progress)
        if arguments.robot:
            progress.say("the robot student goes through the checks that need no cluster")
            robot.run(settings, trial, packages.install_hub(), values.read_values(arguments.env)["robotStudent"])
            return
        print(describe(settings, arguments.env), flush=True)
        if not arguments.no_browser:
            open_browser(settings.link)
        while True:
            trial.require_running()
            time.sleep(0.5)
    except KeyboardInterrupt:
        print("\nStopping.", flush=True)
    except OSError as error:
        raise UserError(f".try/: {error.strerror or error}. Free some room on the disk, then try again") from error
    finally:
        # A second Ctrl-C must leave nothing behind.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        trial.stop()
    print("Stopped. The homes stay in .try/homes, and `make try` continues with them.")


def start(trial: Trial, arguments: argparse.Namespace, progress: Progress) -> Settings:
    """Install what is missing, start the proxy and the hub, and wait until the hub answers."""
    port = arguments.port or (links.find_free_port() if arguments.robot else links.PORT)
    links.require_free(port, "make try")
    progress.say(f"values: chart/values.yaml, config/hub.yaml, config/{arguments.env}.yaml; secrets of its own")
    found = configuration.read_trial_values(arguments.env, FOLDER)
    hub, server, proxy = install(progress)
    hub_port, proxy_port = links.find_free_port(), links.find_free_port()
    package = configuration.find_chart(packages.find_cache().parent)
    progress.say(f"configuration: read by {'the file of the chart' if package else 'deployer/trial/loader.py'}")
    settings = Settings(
        root=str(ROOT),
        folder=str(FOLDER),
        server_programs=str(server / "bin"),
        port=port,
        hub_port=hub_port,
        proxy_port=proxy_port,
        password=trial_secrets.read_password(FOLDER),
        values=found,
        chart_config=configuration.write_chart_config(FOLDER, package, found) if package else "",
    )
    configuration.write_extra_files(FOLDER / "files", find_value(found, "singleuser", "extraFiles"))
    configuration.write_extra_files(FOLDER / "hub-files", find_value(found, "hub", "extraFiles"))
    environ = {
        VARIABLE: str(settings.write()),
        "CONFIGPROXY_AUTH_TOKEN": str(find_value(found, "proxy", "secretToken") or os.urandom(32).hex()),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        **configuration.list_chart_environment(hub_port, proxy_port),
    }
    progress.say("the proxy and the hub start")
    trial.start("proxy", [*proxy, *list_proxy_options(settings)], environ)
    config = ROOT / "deployer" / "trial" / "hub_config.py"
    trial.start("hub", [str(hub / "bin" / "python"), "-m", "jupyterhub", "--config", str(config)], environ)
    if not links.wait_for_hub(settings.link, START, trial.require_running):
        raise UserError(f"The hub does not answer after {START} seconds.\n{trial.read_end('hub')}")
    trial.announce(settings.link)
    progress.say(f"the hub answers at {settings.link}")
    return settings


def install(progress: Progress) -> tuple[Path, Path, list[str]]:
    """Return the environments of hub and servers and the command of the proxy, installed side by side."""
    first = not any(packages.find_cache().glob("server-*/complete"))
    size = " (the first time: about 200 MB are downloaded)" if first else ""
    progress.say(f"packages of JupyterHub, JupyterLab and the proxy{size}")
    with ThreadPoolExecutor() as pool:
        parts = [pool.submit(part) for part in (packages.install_hub, packages.install_server)]
        proxy = pool.submit(packages.install_proxy)
        hub, server = (part.result() for part in parts)
        return hub, server, proxy.result()


def list_proxy_options(settings: Settings) -> list[str]:
    """Return the options of the proxy, which are those of the chart on the loopback address."""
    hub = f"http://127.0.0.1:{settings.hub_port}"
    return [
        "--ip=127.0.0.1",
        f"--port={settings.port}",
        "--api-ip=127.0.0.1",
        f"--api-port={settings.proxy_port}",
        f"--default-target={hub}",
        f"--error-target={hub}{settings.base_url}hub/error",
    ]


def open_browser(link: str) -> None:
    """Open the link, where this machine has a display."""
    has_display = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if has_display or shutil.which("wslview"):
        webbrowser.open(link)


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
