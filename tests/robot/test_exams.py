"""A real hub with the real culler, started as the chart and our snippet start it: idle servers stay during an exam."""

import json
import sys
import time
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path

import yaml
from robot_hubs import TOKEN

USER = "robot-student-user"
CONFIG = """
c.JupyterHub.authenticator_class = "dummy"
c.Spawner.cmd = ["{python}", "-c", "import os, http.server as s; from urllib.parse import urlsplit; "
    "s.test(s.SimpleHTTPRequestHandler, port=urlsplit(os.environ['JUPYTERHUB_SERVICE_URL']).port, bind='127.0.0.1')"]
c.JupyterHub.services.append(
    {
        "name": "jupyterhub-idle-culler",
        "command": [
            *["{python}", "-m", "jupyterhub_idle_culler", "--timeout=1", "--cull-every=1"],
            f"--url=http://127.0.0.1:{c.JupyterHub.hub_port}/hub/api",
        ],
    }
)
c.JupyterHub.load_roles.append(
    {
        "name": "jupyterhub-idle-culler",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["jupyterhub-idle-culler"],
    }
)
"""


def write_calendar(folder: Path, hours: int) -> None:
    """Write what Kubernetes puts into the hub's volume: an exam that ends in so many hours."""
    now = datetime.now(timezone.utc)
    start, end = (f"{now + timedelta(hours=distance):%Y-%m-%d %H:%M}" for distance in (hours - 1, hours))
    exams = [{"title": "Final", "start": start, "end": end}]
    calendar = {"timezone": "UTC", "classes": [], "exams": exams, "termEnds": "", "before": 0}
    (folder / "calendar.json").write_text(json.dumps(calendar), encoding="utf-8")


def test_idle_servers_stay_during_an_exam(repository: Path, hub, tmp_path: Path) -> None:
    for name in "course_calendar.py", "cull_outside_exams.py":
        (tmp_path / name).write_bytes((repository / "chart" / "files" / name).read_bytes())
    write_calendar(tmp_path, 1)
    chart = yaml.safe_load((repository / "chart" / "values.yaml").read_text("utf-8"))["jupyterhub"]["hub"]
    snippet = chart["extraConfig"]["exams"].replace("/etc/course", str(tmp_path))
    address = hub(CONFIG.replace("{python}", sys.executable) + snippet)

    def ask(method: str, path: str) -> dict:
        headers = {"Authorization": f"token {TOKEN}"}
        request = urllib.request.Request(f"{address}/hub/api/users/{USER}{path}", method=method, headers=headers)  # noqa: S310
        return json.loads(urllib.request.urlopen(request).read() or "{}")  # noqa: S310

    def wait_for_server(ready: bool) -> None:
        end = time.monotonic() + 30
        while bool(ask("GET", "")["servers"].get("", {}).get("ready")) is not ready:
            assert time.monotonic() < end
            time.sleep(0.2)

    ask("POST", "")
    ask("POST", "/server")
    wait_for_server(True)
    time.sleep(3)
    assert ask("GET", "")["servers"][""]["ready"]
    # Nothing is restarted: the next round reads the calendar that Kubernetes has changed.
    write_calendar(tmp_path, 0)
    wait_for_server(False)
