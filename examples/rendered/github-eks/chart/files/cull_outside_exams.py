"""Stop idle servers as jupyterhub-idle-culler does, but not during an exam.

The hub runs this instead of `python3 -m jupyterhub_idle_culler`, with the same arguments. Each round reads the
calendar, which Kubernetes keeps up to date in a volume: a new exam needs no restart.
"""

import json
from datetime import datetime, timezone
from pathlib import Path

import jupyterhub_idle_culler
from course_calendar import find_exams
from tornado.log import app_log

CALENDAR = Path(__file__).with_name("calendar.json")
cull_idle = jupyterhub_idle_culler.cull_idle


async def cull_outside_exams(**options: object) -> None:
    """Stop idle servers, or log that there is an exam."""
    calendar = json.loads(CALENDAR.read_text(encoding="utf-8"))
    if exams := find_exams(calendar, datetime.now(timezone.utc)):
        app_log.info("No idle server is stopped before %s: an exam", exams[-1].end)
    else:
        await cull_idle(**options)


if __name__ == "__main__":
    jupyterhub_idle_culler.cull_idle = cull_outside_exams
    jupyterhub_idle_culler.main()
