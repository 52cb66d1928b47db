"""A stand-in for a learning management system (LMS): it sends people to the hub by LTI 1.3, signed with its own key."""

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jupyterhub.handlers import BaseHandler
from tornado.web import HTTPError

from deployer.trial.stand_in import StandIn

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
CLIENT = "trial"
KEY = rsa.generate_private_key(65537, 2048)


class Keys(BaseHTTPRequestHandler):
    """The LMS's public key. In a thread of its own, because the hub waits for it without doing anything else."""

    def do_GET(self) -> None:
        key = jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"keys": [{**key, "kid": CLIENT, "use": "sig"}]}).encode())

    def log_message(self, *_: Any) -> None:
        """Keep the hub's log free of it."""


def configure(section: Any, authorize_url: str) -> None:
    """Let the hub trust the stand-in, and nobody else."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    Thread(target=server.serve_forever, daemon=True).start()
    section.jwks_endpoint = f"http://127.0.0.1:{server.server_port}/"
    section.issuer, section.client_id, section.uri_scheme = authorize_url, [CLIENT], "http"
    section.authorize_url = authorize_url


class LaunchStandIn(StandIn):
    """The stand-in for an LMS."""

    issuer: str

    def start_launch(self, base_url: str, code: str) -> str:
        """Return where the LMS sends the browser of somebody who opens the course."""
        query = {"iss": self.issuer, "login_hint": code, "client_id": CLIENT, "target_link_uri": self.trial.link}
        return f"{self.login_url(base_url)}?{urlencode(query)}"

    def sign(self, claims: dict[str, Any], nonce: str) -> str:
        """Return the identity of somebody, signed, as an LMS sends it."""
        now = int(time.time())
        about = {"iss": self.issuer, "aud": CLIENT, "nonce": nonce, "iat": now, "exp": now + 60, "sub": claims["sub"]}
        message = {
            "version": "1.3.0",
            "deployment_id": "1",
            "target_link_uri": self.trial.link,
            "roles": [],
            "message_type": "LtiResourceLinkRequest",
            "resource_link": {"id": "1"},
        }
        message = {f"{CLAIM}{name}": value for name, value in message.items()}
        return jwt.encode({**claims, **about, **message}, KEY, "RS256", headers={"kid": CLIENT})


class LaunchPage(BaseHandler):  # type: ignore[misc] # JupyterHub has no types
    """Where the hub asks the LMS who somebody is. The page sends the answer on by itself."""

    authenticator: LaunchStandIn

    async def get(self) -> None:
        claims = self.authenticator.signing_in.pop(self.get_argument("login_hint"), None)
        if claims is None:
            raise HTTPError(400, "Open the course from the page of the stand-in")
        token = self.authenticator.sign(claims, self.get_argument("nonce"))
        answer = {"id_token": token, "state": self.get_argument("state")}
        to = self.authenticator.trial.origin + self.authenticator.callback_url(self.hub.base_url)
        self.finish(await self.render_template("trial_launch.html", to=to, answer=answer))
