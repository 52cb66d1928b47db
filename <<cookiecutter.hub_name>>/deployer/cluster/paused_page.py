"""The page that visitors see at the address of a paused hub.

A pod of the hub's image stands behind the Services of the proxy: it has the labels and the port by which they find the
proxy. So what terminates TLS in front of them needs no change, whatever it is.
"""

import html
import json
from typing import Any

from deployer import values
from deployer.cluster import kubectl, pause

SERVER = """
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = os.environ["PAGE"].encode()
        self.send_response(503)
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Length": len(body), "Cache-Control": "no-store"}
        headers |= {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'", "Retry-After": 3600}
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body if self.command != "HEAD" else b"")
    do_HEAD = do_POST = do_GET

ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""


def write_page(env: str, until: str) -> str:
    """Return the page, in HTML."""
    course = values.read_values(env)["course"]
    title, contact = (html.escape(str(course.get(key) or "")) for key in ("title", "contact"))
    text = [
        f"<h1>{title} is paused{html.escape(f' until {until}') if until else ''}</h1>",
        "<p>Your files are kept.</p>",
    ]
    if contact:
        text.append(f"<p>Questions: {contact}</p>")
    head = f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{title}</title>"
    style = "<style>body {font: 1.2em sans-serif; margin: 4em auto; max-width: 35em; padding: 0 1em}</style>"
    return "".join([head, style, *text, "</html>"])


def describe_deployment(env: str, page: str) -> dict[str, Any]:
    """Return the Deployment that serves a page, in the image and on the nodes of the hub."""
    hub = kubectl.read_object(env, "deployment", "hub")["spec"]["template"]["spec"]
    proxy = kubectl.read_object(env, "deployment", "proxy")["spec"]["selector"]["matchLabels"]
    container = {
        "name": "page",
        "image": hub["containers"][0]["image"],
        "command": ["python3", "-c", SERVER],
        "env": [{"name": "PAGE", "value": page}],
        "ports": [{"name": "http", "containerPort": 8000}],
        "readinessProbe": {"tcpSocket": {"port": "http"}},
        "resources": {"requests": {"cpu": "1m", "memory": "24Mi"}, "limits": {"memory": "64Mi"}},
        "securityContext": {**kubectl.RESTRICTED, "readOnlyRootFilesystem": True, "runAsUser": 1000},
    }
    kept = ("imagePullSecrets", "tolerations", "nodeSelector", "affinity")
    spec = {key: hub[key] for key in kept if key in hub}
    spec |= {"containers": [container], "automountServiceAccountToken": False, "enableServiceLinks": False}
    spec |= {"terminationGracePeriodSeconds": 1}
    own = {"app.kubernetes.io/name": pause.PAGE}
    template = {"metadata": {"labels": {**proxy, **own}}, "spec": spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": pause.PAGE, "labels": own},
        "spec": {"replicas": 1, "selector": {"matchLabels": own}, "template": template},
    }


def serve_page(env: str, until: str) -> bool:
    """Serve the page. Returns whether it answers already: it does not where no node is left for its pod."""
    deployment = describe_deployment(env, write_page(env, until))
    pause.run_checked(env, "apply", "--filename=-", text=json.dumps(deployment))
    done = kubectl.run_kubectl(env, "rollout", "status", f"deployment/{pause.PAGE}", "--timeout=60s")
    return done.returncode == 0
