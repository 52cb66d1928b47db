"""The link to the hub of a trial: a port of this machine, and whether the hub answers there."""

import socket
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress

from deployer.errors import UserError

PORT = 8000


def find_free_port() -> int:
    """Return a port of the loopback address that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def is_free(port: int) -> bool:
    """Return whether nothing listens on a port of this machine."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    with socket.socket() as caller:
        # A server on all addresses does not hinder the bind on every system.
        return caller.connect_ex(("127.0.0.1", port)) != 0


def require_free(port: int, command: str) -> None:
    """Raise UserError where another program listens on a port. `command` is the one that was run."""
    if not is_free(port):
        raise UserError(
            f"PORT: another program listens on port {port} of this machine. Run `{command} PORT={find_free_port()}`"
        )


def wait_for_hub(link: str, seconds: float, require_running: Callable[[], None]) -> bool:
    """Wait for a hub to answer at a link, and return whether it does. `require_running` raises what ends the wait."""
    end = time.monotonic() + seconds
    # A proxy of the person's network cannot reach a port of this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < end:
        require_running()
        with suppress(OSError):
            opener.open(f"{link}hub/health", timeout=5).close()
            return True
        time.sleep(0.1)
    return False
