"""Ask the Kubernetes API from a pod of the hub, with nothing but the standard library."""

import json
import ssl
from http.client import HTTPSConnection
from pathlib import Path

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TYPES = {"PATCH": "application/apply-patch+yaml"}


def request(method: str, api: str, item: str, body: dict | None = None, accept: tuple[int, ...] = (200, 201)) -> dict:
    """Return what the Kubernetes API answers in the pod's namespace. Raise SystemExit if it rejects the request."""
    namespace, token = ((ACCOUNT / name).read_text(encoding="utf-8") for name in ("namespace", "token"))
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    server = HTTPSConnection("kubernetes.default.svc", context=context, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": TYPES.get(method, "application/json")}
    server.request(method, f"{api}/namespaces/{namespace}/{item}", json.dumps(body) if body else None, headers)
    answer = server.getresponse()
    text = answer.read().decode()
    if answer.status not in accept:
        raise SystemExit(f"{method} {item}: the API server answers {answer.status}: {text}")
    return json.loads(text)
