"""Students' servers as local processes, by the real hub's spawner: traits, profiles and form are KubeSpawner's."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import kubespawner.spawner
from jupyterhub.spawner import LocalProcessSpawner, SimpleLocalProcessSpawner, Spawner
from jupyterhub.utils import random_port
from kubespawner.slugs import safe_slug

from deployer.trial.lifeline import die_with_parent
from deployer.trial.settings import read_settings

# KubeSpawner opens its connection to a cluster when it is created.
kubespawner.spawner.load_config = lambda **_: None
kubespawner.spawner.shared_client = lambda *_: None

# Programs of an image without which an address shows nothing, and JupyterLab in their place.
INTERFACES = {"/rstudio": "rserver", "/vscode": "code-server", "/codeserver": "code-server"}
CONFIGURATION_FOLDERS = ("/usr/local/etc/jupyter", "/etc/jupyter", "/opt/conda/etc/jupyter")


def find_interface(url: str) -> str:
    """Return the address that opens after sign-in: JupyterLab's where the program for the wanted one is missing."""
    program = INTERFACES.get("/" + url.strip("/").partition("/")[0], "")
    return "/lab" if program and not shutil.which(program) else url


class LocalServers(SimpleLocalProcessSpawner):  # type: ignore[misc] # JupyterHub has no types
    """The half of the spawner that starts and stops: LocalProcessSpawner's, with a home for each student."""

    cmd: Any
    args: Any
    notebook_dir: str
    default_url: str
    # Seconds. The server ends its kernels first.
    term_timeout = 10

    def map_path(self, text: Any) -> Any:
        """Return a text with the folders of a student's pod replaced by those of this machine."""
        settings = read_settings()
        mounted = {
            "/etc/course": f"{settings.root}/chart/files",
            ((settings.values.get("singleuser") or {}).get("storage") or {}).get("homeMountPath")
            or "/home/jovyan": self.home_dir,
        }
        for there, here in mounted.items():
            if text == there or str(text).startswith(f"{there}/"):
                return here + text[len(there) :]
        return text

    def find_home(self) -> str:
        return str(Path(read_settings().folder, "homes", safe_slug(self.user.name)))

    def prepare(self) -> None:
        """Make what a volume and the chart's mounts give a pod: the home, and the files of singleuser.extraFiles."""
        self.home_dir = self.find_home()
        Path(self.home_dir).mkdir(mode=0o700, parents=True, exist_ok=True)
        self.ip, self.port = "127.0.0.1", random_port()
        self.cmd = [self.map_path(word) for word in self.cmd or ["jupyterhub-singleuser"]]
        self.args = [self.map_path(word) for word in self.args]
        self.notebook_dir = self.map_path(self.notebook_dir)
        self.default_url = find_interface(self.default_url)
        if os.geteuid() == 0 and "--allow-root" not in self.args:
            self.args = [*self.args, "--allow-root"]

    def user_env(self, env: dict[str, Any]) -> dict[str, str]:
        """Return the environment of a server: of this machine only its language and time zone."""
        settings = read_settings()
        files = Path(settings.folder, "files")
        kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TZ", "SSL_CERT_FILE") if name in os.environ}
        own = {
            "HOME": self.home_dir,
            "USER": self.user.name,
            "SHELL": "/bin/bash",
            "PATH": f"{settings.server_programs}:{os.environ['PATH']}",
            "JUPYTER_CONFIG_PATH": ":".join(f"{files}{folder}" for folder in CONFIGURATION_FOLDERS),
        }
        # A value that Kubernetes would look up, such as a Secret's, is a mapping.
        given = {name: self.map_path(value) for name, value in env.items() if isinstance(value, str)}
        return {**kept, **given, **own}

    def make_preexec_fn(self, name: str) -> Callable[[], None]:
        """Return what the process does before it becomes the server."""
        home = self.home_dir

        def prepare() -> None:
            os.chdir(home)
            die_with_parent()

        return prepare

    async def start(self) -> tuple[str, int]:
        """Start the server, and note its process for the command that cleans up."""
        await self.load_user_options()
        self.prepare()
        address: tuple[str, int] = await LocalProcessSpawner.start(self)
        Path(read_settings().folder, "run", f"server-{self.pid}").touch()
        return address

    async def stop(self, now: bool = False) -> None:
        """Stop the server. SIGTERM comes first: at SIGINT it would ask whether one is sure."""
        pid = self.pid
        await LocalProcessSpawner.stop(self, now=True)
        if pid:
            Path(read_settings().folder, "run", f"server-{pid}").unlink(missing_ok=True)

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Yield what the page says while the server starts."""
        async for event in Spawner.progress(self):
            yield event

    async def delete_forever(self) -> None:
        """Delete the home with its user, as the volume would be."""
        await asyncio.to_thread(shutil.rmtree, self.find_home(), ignore_errors=True)


def make_spawner(base: type) -> type:
    """Return the hub's spawner class, KubeSpawner or one that is made from it, with local processes for pods."""
    return type(base.__name__, (LocalServers, base), {})
