"""A Lease shows that a deploy is at work: the deploy renews it, and it expires soon after the deploy was killed.

Clocks differ between machines, so a Lease has expired when nobody has renewed it while this process looked on.
"""

import getpass
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

from deployer import chart
from deployer.cluster import kubectl
from deployer.errors import UserError
from deployer.process import Done

NAME = "deploy"
# Seconds.
EXPIRY = 30
RENEWAL = 8


def describe_self() -> str:
    """Return who holds the Lease, for people who wait for it."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


def write(env: str, verb: str, version: str = "") -> Done:
    """Create the Lease, or replace the version that was read."""
    moment = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    metadata = {"name": NAME, "namespace": chart.name_release(env)}
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {**metadata, "resourceVersion": version} if version else metadata,
        "spec": {"holderIdentity": describe_self(), "leaseDurationSeconds": EXPIRY, "renewTime": moment},
    }
    return kubectl.run_kubectl(env, verb, "--filename=-", "--output=json", text=json.dumps(lease))


def read(env: str) -> dict[str, Any]:
    """Return the Lease; an empty mapping where there is none."""
    return kubectl.read_object(env, "lease", NAME)


def acquire(env: str, limit: float, announce: Callable[[str], None]) -> bool:
    """Take the Lease, and wait for a deploy that renews it, `limit` seconds at most, which is announced.

    Returns whether the deploy that held it was killed. Raises UserError where another deploy holds it still.
    """
    seen, since, start, announced, killed = "", time.monotonic(), time.monotonic(), False, False
    while True:
        found = read(env)
        version = str(found.get("metadata", {}).get("resourceVersion", ""))
        if version != seen:
            seen, since = version, time.monotonic()
        killed = bool(version) and time.monotonic() - since >= EXPIRY
        if not version or killed:
            done = write(env, "replace" if version else "create", version)
            if done.returncode == 0:
                return killed
            if "NotFound" in done.stderr and not version:
                return False  # There is no namespace, and so nothing to protect.
            if "AlreadyExists" not in done.stderr and "Conflict" not in done.stderr:
                raise UserError(f"the Lease {NAME} cannot be written: {done.stderr.strip()}")
            continue
        holder = found["spec"].get("holderIdentity", "somebody")
        if time.monotonic() - start >= max(limit, EXPIRY):
            raise UserError(
                f"another deploy ({holder}) is still at work after {limit:.0f} seconds. Stop it, or run the command "
                "again later"
            )
        if not announced:
            announce(
                f"{holder} has begun a deploy. Waiting until it ends, {limit:.0f} seconds at most; if it was killed, "
                f"{EXPIRY} seconds."
            )
            announced = True
        time.sleep(2)


@contextmanager
def hold(env: str, limit: float, announce: Callable[[str], None]) -> Iterator[bool]:
    """Hold the Lease, and renew it in the background. Yields whether the deploy that held it before was killed."""
    killed = acquire(env, limit, announce)
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(RENEWAL):
            version = str(read(env).get("metadata", {}).get("resourceVersion", ""))
            write(env, "replace" if version else "create", version)

    renewal = threading.Thread(target=renew, daemon=True)
    renewal.start()
    try:
        yield killed
    finally:
        ended.set()
        renewal.join()
        kubectl.run_kubectl(env, "delete", "lease", NAME, "--ignore-not-found", "--wait=false")
