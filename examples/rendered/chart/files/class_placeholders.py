"""Have as many placeholder pods as the calendar wants now: one for each node of the class, or none.

It runs in the hub's own image, from a CronJob at each end of each class, and counts from the whole calendar: so classes
may follow one another, and a run that came late or not at all is made good by the next. What it reads is in $CALENDAR,
as JSON that the chart writes from `course`; its service account may scale that one StatefulSet, and nothing else.
"""

import json
import os
import ssl
from datetime import date, datetime, timedelta
from http.client import HTTPSConnection
from pathlib import Path
from zoneinfo import ZoneInfo

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def on(day: date, lecture: str) -> bool:
    """Whether a class, such as `mon 10:00-11:30` or `2027-02-12 10:00-11:30`, meets on a day."""
    return lecture.split()[0] in (DAYS[day.weekday()], day.isoformat())


def wanted(calendar: dict, now: datetime) -> int:
    """The placeholders at a time: those of the class from `before` minutes ahead of it to its end."""
    zone = ZoneInfo(calendar["timezone"])
    now = now.astimezone(zone)
    last = date.fromisoformat(calendar["termEnds"] or "9999-12-31")
    # A class just after midnight wants its nodes the day before.
    for day in (now.date(), now.date() + timedelta(days=1)):
        for lecture in calendar["classTimes"]:
            start, end = (
                datetime.fromisoformat(f"{day} {time}").replace(tzinfo=zone) for time in lecture.split()[1].split("-")
            )
            if on(day, lecture) and day <= last and start - timedelta(minutes=calendar["before"]) <= now < end:
                return calendar["nodes"]
    return 0


def scale(replicas: int) -> None:
    """Set the number of the StatefulSet's pods."""
    namespace, token = ((ACCOUNT / name).read_text(encoding="utf-8") for name in ("namespace", "token"))
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    server = HTTPSConnection("kubernetes.default.svc", context=context, timeout=60)
    server.request(
        "PATCH",
        f"/apis/apps/v1/namespaces/{namespace}/statefulsets/class-placeholder/scale",
        body=json.dumps({"spec": {"replicas": replicas}}),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/merge-patch+json"},
    )
    answer = server.getresponse()
    if answer.status != 200:
        raise SystemExit(f"class-placeholder is not scaled to {replicas}: {answer.status} {answer.read().decode()}")
    print(f"class-placeholder has {replicas} pods")


if __name__ == "__main__":
    settings = json.loads(os.environ["CALENDAR"])
    scale(wanted(settings, datetime.now(ZoneInfo("UTC"))))
