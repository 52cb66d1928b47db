"""Run as many placeholder pods as the calendar requires now: one for each node of the class, or none.

A CronJob runs this in the hub's image when a class begins and when it ends. It reads the whole calendar, so that one
class may follow another, and the next run corrects a run that was late or missing. $CALENDAR is JSON that the chart
writes from `course`, and placeholder.json the Deployment. The service account may change that Deployment only.
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
EDGES = ("start", "end")


def meets(lecture: dict, day: date) -> bool:
    """Whether a class meets on a day: every week on its `days`, or once on its `dates`."""
    return DAYS[day.weekday()] in lecture.get("days", ()) or day.isoformat() in lecture.get("dates", ())


def wanted(calendar: dict, now: datetime) -> int:
    """The placeholders at a time: those of the class from `before` minutes ahead of it to its end."""
    zone = ZoneInfo(calendar["timezone"])
    now = now.astimezone(zone)
    last = date.fromisoformat(calendar["termEnds"] or "9999-12-31")
    # A class just after midnight needs its nodes the day before.
    for day in (now.date(), now.date() + timedelta(days=1)):
        for lecture in calendar["classes"]:
            start, end = (datetime.fromisoformat(f"{day} {lecture[edge]}").replace(tzinfo=zone) for edge in EDGES)
            if meets(lecture, day) and day <= last and start - timedelta(minutes=calendar["before"]) <= now < end:
                return calendar["nodes"]
    return 0


def request(method: str, api: str, item: str, body: dict | None = None) -> dict:
    """Return what the Kubernetes API answers in the pod's namespace. Raise SystemExit if it refuses."""
    namespace, token = ((ACCOUNT / name).read_text(encoding="utf-8") for name in ("namespace", "token"))
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    server = HTTPSConnection("kubernetes.default.svc", context=context, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/apply-patch+yaml"}
    server.request(method, f"{api}/namespaces/{namespace}/{item}", json.dumps(body) if body else None, headers)
    answer = server.getresponse()
    text = answer.read().decode()
    if answer.status not in (200, 201):
        raise SystemExit(f"{method} {item}: the API server answers {answer.status}: {text}")
    return json.loads(text)


def apply(placeholder: dict, replicas: int) -> None:
    """Apply the Deployment with a number of pods. It is deleted with the ConfigMap that describes it."""
    owner = request("GET", "/api/v1", "configmaps/class-calendar")["metadata"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": owner["name"], "uid": owner["uid"]}
    placeholder["metadata"]["ownerReferences"] = [reference]
    placeholder["spec"]["replicas"] = replicas
    name = placeholder["metadata"]["name"]
    item = f"deployments/{name}?fieldManager=class-calendar&force=true"
    request("PATCH", "/apis/apps/v1", item, placeholder)
    print(f"{name} has {replicas} pods")


if __name__ == "__main__":
    settings = json.loads(os.environ["CALENDAR"])
    described = json.loads(Path(__file__).with_name("placeholder.json").read_text(encoding="utf-8"))
    apply(described, wanted(settings, datetime.now(ZoneInfo("UTC"))))
