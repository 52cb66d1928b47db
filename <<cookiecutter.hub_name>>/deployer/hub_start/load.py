"""Load the configuration of a hub as its pod does, without starting it. Runs with the packages of the hub image.

The chart's own jupyterhub_config.py, in the folder given, reads the rendered values. JupyterHub then makes its users,
roles, services, proxy and authenticator, with a database in memory, and a spawner: what fails here fails in the pod.
Prints a JSON object: what was loaded last, the error if there is one, and warnings about old names.
"""

import asyncio
import json
import logging
import sys
import traceback
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from jupyterhub.app import JupyterHub
from kubespawner import KubeSpawner  # type: ignore[import-untyped]

OLD_NAME = "is deprecated"
# The filename that Python gives to the code of hub.extraConfig.
SNIPPET = "<string>"


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


async def load(folder: Path, keeper: Keeper) -> None:
    """Initialize JupyterHub and a spawner. Raises what they raise."""
    app = JupyterHub()
    app.log.addHandler(keeper)
    await app.initialize(["--config", str(folder / "jupyterhub_config.py")])
    if issubclass(app.spawner_class, KubeSpawner):
        app.spawner_class(config=app.config, _mock=True)


def describe(error: BaseException, errors: list[str]) -> dict[str, Any]:
    """Return an error, and the line of the snippet that raised it; 0 where it was not in one."""
    while isinstance(error, SystemExit) and error.__context__:
        error = error.__context__
    text = errors[-1] if isinstance(error, SystemExit) and errors else str(error)
    frames = traceback.extract_tb(error.__traceback__)
    line = next((frame.lineno or 0 for frame in reversed(frames) if frame.filename == SNIPPET), 0)
    return {"kind": type(error).__name__, "text": " ".join(text.split()), "line": line}


def main() -> None:
    """Load the configuration in the folder that is given, and print what became of it."""
    printed, keeper = StringIO(), Keeper()
    error: dict[str, Any] = {}
    with redirect_stdout(printed):
        try:
            asyncio.run(load(Path(sys.argv[1]), keeper))
        except (Exception, SystemExit) as raised:
            error = describe(raised, keeper.errors)
    loaded = [line for line in printed.getvalue().splitlines() if line.startswith("Loading ")]
    print(json.dumps({"loaded": loaded[-1] if loaded else "", "error": error, "warnings": keeper.warnings}))


if __name__ == "__main__":
    main()
