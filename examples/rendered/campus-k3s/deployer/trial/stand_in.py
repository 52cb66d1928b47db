"""The hub's own authenticator, with its own rules, and answers to what it would ask its provider over the network."""

import secrets
from typing import Any
from urllib.parse import parse_qs

import jwt
from jupyterhub.auth import Authenticator
from jupyterhub.handlers import BaseHandler
from tornado.httpclient import HTTPRequest, HTTPResponse
from tornado.web import HTTPError

from deployer.trial.people import Claims
from deployer.trial.settings import Settings


class StandIn(Authenticator):  # type: ignore[misc] # JupyterHub has no types
    """What is added to the hub's authenticator: the page, and the people who are being signed in."""

    trial: Settings
    pages: list[tuple[str, type]]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.signing_in: dict[str, Claims] = {}

    def get_handlers(self, app: Any) -> list[tuple[str, type]]:
        return [*super().get_handlers(app), *self.pages]

    def admit(self, claims: Claims) -> str:
        """Return a code by which the hub learns who somebody is."""
        code = secrets.token_urlsafe(24)
        self.signing_in[code] = claims
        return code

    def get_data(self, claims: Claims) -> Any:
        """Return what `authenticate` is given for a person."""
        return claims

    async def decide(self, handler: BaseHandler, claims: Claims) -> bool:
        """Return whether the rules let a person in. A rule that rejects may also raise."""
        try:
            return await self.get_authenticated_user(handler, self.get_data(claims)) is not None
        except HTTPError as error:
            if error.status_code == 403:
                return False
            raise


class OAuthStandIn(StandIn):
    """The stand-in for an OAuth provider. It answers all that the authenticator would ask over the network."""

    def get_data(self, claims: Claims) -> Any:
        return {"code": self.admit(claims)}

    async def authenticate(self, handler: BaseHandler, data: Any = None, **kwargs: Any) -> Any:
        if data:
            return await self._token_to_auth_model(self.make_token(data["code"]))
        return await super().authenticate(handler, data, **kwargs)

    def make_token(self, code: str) -> dict[str, Any]:
        """Return the answer of a token endpoint."""
        claims = self.signing_in[code]
        identity = jwt.encode({**claims, "aud": self.client_id}, secrets.token_hex(32))
        scope = " ".join(self.scope)
        return {"access_token": code, "token_type": "Bearer", "id_token": identity, "scope": scope}

    async def httpfetch(self, url: str, *_: Any, parse_json: bool = True, **request: Any) -> Any:
        """Answer a request to the provider. Nothing leaves this machine."""
        if url == self.token_url:
            code = parse_qs(request["body"].decode())["code"][0]
            return self.make_token(code)
        code = str(request["headers"]["Authorization"]).split()[-1]
        claims = self.signing_in[code]
        if url.partition("?")[0] == self.userdata_url.partition("?")[0]:
            return claims
        path = "/orgs/" + url.partition("/orgs/")[2]
        status = 204 if path in claims["member_at"] else 404
        return [] if parse_json else HTTPResponse(HTTPRequest(url), status)

    async def _fetch_member_groups(self, *_: Any) -> set[str]:
        """Google tells groups only to a service account. The stand-in has none to ask with."""
        return set()
