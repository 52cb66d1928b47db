"""The other side of a sign-in, on this machine: the endpoints of OAuth providers and of an LMS that a hub asks."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

LTI = "https://purl.imsglobal.org/spec/lti/claim/"


class Endpoints(BaseHTTPRequestHandler):
    """The authorisation code and the access token are the claims about a person, as JSON in hexadecimal digits."""

    server: "Provider"

    def answer(self, status: int, body: object = None) -> None:
        """Send JSON."""
        content = json.dumps(body).encode() if status == 200 else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        """The token endpoint."""
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        claims = json.loads(bytes.fromhex(form["code"][0]))
        id_token = jwt.encode({**claims, "aud": form["client_id"][0]}, "k" * 32)
        self.answer(200, {"access_token": form["code"][0], "token_type": "Bearer", "id_token": id_token})

    def do_GET(self) -> None:
        """Return the name of a person, whether GitHub lists them as a member, and the keys of the LMS."""
        if self.path == "/jwks":
            key = jwt.algorithms.RSAAlgorithm.to_jwk(self.server.key.public_key(), as_dict=True)
            return self.answer(200, {"keys": [{**key, "kid": "lms", "use": "sig"}]})
        claims = json.loads(bytes.fromhex(self.headers["Authorization"].split()[1]))
        if self.path.startswith("/orgs/"):
            return self.answer(204 if self.path in claims["member_at"] else 404)
        return self.answer(200, claims)

    def log_message(self, *_) -> None: ...


class Provider(ThreadingHTTPServer):
    """What a hub takes for its provider."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Endpoints)
        self.key = rsa.generate_private_key(65537, 2048)
        self.address = f"http://127.0.0.1:{self.server_port}"

    def launch(self, parameters: dict[str, str], claims: dict[str, str]) -> str:
        """The id token with which an LMS answers where a hub has sent a person."""
        now = int(time.time())
        token = {
            "iss": self.address,
            "aud": parameters["client_id"],
            "nonce": parameters["nonce"],
            "iat": now,
            "exp": now + 60,
            f"{LTI}version": "1.3.0",
            f"{LTI}deployment_id": "1",
            f"{LTI}target_link_uri": "https://hub.example.edu",
            f"{LTI}roles": [],
            f"{LTI}message_type": "LtiResourceLinkRequest",
            f"{LTI}resource_link": {"id": "1"},
        }
        return jwt.encode(token | claims, self.key, "RS256", headers={"kid": "lms"})


@contextmanager
def listening() -> Iterator[Provider]:
    """A provider, as long as it is wanted."""
    with Provider() as provider:
        Thread(target=provider.serve_forever, daemon=True).start()
        yield provider
        provider.shutdown()
