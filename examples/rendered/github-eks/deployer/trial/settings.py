"""What the command tells the hub of a trial, in a file that only this user can read."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deployer import files

VARIABLE = "TRIAL_SETTINGS"


@dataclass(frozen=True)
class Settings:
    """Where a trial keeps its files, where its processes listen, and the values of the `jupyterhub` chart."""

    root: str
    folder: str
    server_programs: str
    port: int
    hub_port: int
    proxy_port: int
    password: str
    values: dict[str, Any]
    # The chart's own jupyterhub_config.py, prepared for this trial. Empty where the chart is not here.
    chart_config: str

    @property
    def origin(self) -> str:
        """The scheme, host and port of the link."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """The path of the hub, with a slash at both ends."""
        path = str((self.values.get("hub") or {}).get("baseUrl") or "/").strip("/")
        return f"/{path}/" if path else "/"

    @property
    def link(self) -> str:
        """Where people open the hub."""
        return self.origin + self.base_url

    def write(self) -> Path:
        """Write the settings for the hub. Returns the path of the file."""
        path = Path(self.folder, "settings.json")
        files.write_text(path, json.dumps(asdict(self)), mode=0o600)
        return path


def read_settings() -> Settings:
    """Return the settings of the trial that started this process."""
    return Settings(**json.loads(Path(os.environ[VARIABLE]).read_text(encoding="utf-8")))
