"""Put a stand-in in the place of a sign-in provider that does not know this machine: a page to choose who one is."""

import hmac
from collections.abc import Callable
from html import escape
from importlib.metadata import entry_points
from typing import Any
from urllib.parse import urlencode

from jupyterhub.auth import Authenticator
from jupyterhub.handlers import BaseHandler
from traitlets.utils.importstring import import_item

from deployer.trial import launches
from deployer.trial.people import ELSEWHERE, MANY, Person, list_staff, list_student_names, make_claims
from deployer.trial.settings import Settings
from deployer.trial.stand_in import OAuthStandIn, StandIn

PAGE = "trial/provider"
LAUNCH = "trial/launch"
OTHER = "other"
NOTICE = (
    "This is a trial on one machine, which {provider} does not know: a stand-in takes its place. "
    "The rules of this repository decide who gets in."
)


def find_class(name: Any) -> type[Authenticator]:
    """Return the authenticator class that a configuration names, by its short name or by its path."""
    if isinstance(name, type):
        return name
    known = {entry.name.lower(): entry for entry in entry_points(group="jupyterhub.authenticators")}
    found: type[Authenticator] = known[name.lower()].load() if name.lower() in known else import_item(name)
    return found


class ProviderPage(BaseHandler):  # type: ignore[misc] # JupyterHub has no types
    """The page to choose who one is. With the trial's password, since anyone on this machine can open it."""

    authenticator: Any

    async def list_people(self) -> list[Person]:
        """Return the people of the page, each with what the rules decide."""
        staff = list_staff(self.authenticator, self.app.load_roles)
        people = [Person(name, "course staff", True) for name in staff[:MANY]]
        for name in list_student_names(self.authenticator, staff):
            student = Person(name, "a student", True)
            if await self.is_allowed(student):
                break
        outsider = f"outsider@{ELSEWHERE}" if "@" in student.name else "outsider"
        people += [student, Person(outsider, "somebody else", False)]
        for person in people:
            person.allowed = await self.is_allowed(person)
        return people

    async def is_allowed(self, person: Person) -> bool:
        """Return whether the rules let a person in."""
        claims = make_claims(self.authenticator, person.name, person.belongs)
        return bool(await self.authenticator.decide(self, claims))

    async def get(self, error: str = "") -> None:
        provider = self.authenticator.login_service
        kept = {name: self.get_argument(name, "") for name in ("state", "redirect_uri")}
        page = self.render_template(
            "trial_provider.html", provider=provider, people=await self.list_people(), kept=kept, error=error
        )
        self.finish(await page)

    async def post(self) -> None:
        if not hmac.compare_digest(self.get_argument("password", "").strip(), self.authenticator.trial.password):
            self.set_status(403)
            return await self.get(error="That is not the password of this trial. The terminal of `make try` shows it.")
        belongs, _, name = self.get_argument("person", "").partition(":")
        if belongs == OTHER:
            belongs, name = self.get_argument("member", ""), self.get_argument("other", "").strip()
        claims = make_claims(self.authenticator, name, belongs == "yes")
        code = self.authenticator.admit(claims)
        if isinstance(self.authenticator, launches.LaunchStandIn):
            to = self.authenticator.start_launch(self.hub.base_url, code)
        else:
            query = urlencode({"code": code, "state": self.get_argument("state")})
            to = f"{self.authenticator.oauth_callback_url}?{query}"
        self.redirect(to)


def replace_provider(c: Any, settings: Settings) -> None:
    """Put the stand-in in the place of the provider, where the authenticator has one."""
    base = find_class(c.JupyterHub.get("authenticator_class", "dummy"))
    section = c[base.__name__]
    here = f"{settings.link}hub"
    if hasattr(base, "httpfetch"):
        kind: type[StandIn] = OAuthStandIn
        section.oauth_callback_url = f"{here}/oauth_callback"
        section.authorize_url = f"{here}/{PAGE}"
    elif hasattr(base, "jwks_endpoint"):
        kind = launches.LaunchStandIn
        launches.configure(section, f"{here}/{LAUNCH}")
    else:
        return
    pages = [(PAGE, ProviderPage), (LAUNCH, launches.LaunchPage)]
    c.JupyterHub.authenticator_class = type(base.__name__, (kind, base), {"trial": settings, "pages": pages})
    notice = escape(NOTICE.format(provider=describe(c, base)))
    if kind is launches.LaunchStandIn:
        notice += f' <a href="{here}/{PAGE}">Open the course there</a>.'
    texts = c.JupyterHub.template_vars
    c.JupyterHub.template_vars = {**texts, "announcement_login": add_notice(texts, notice)}
    c.JupyterHub.template_paths = [*c.JupyterHub.template_paths, f"{settings.root}/deployer/trial/templates"]


def add_notice(texts: dict[str, Any], notice: str) -> Callable[[Any], str]:
    """Return what gives the hub the announcement of the sign-in page: its own, and a notice below it."""
    given = texts.get("announcement_login") or texts.get("announcement") or ""

    def show(user: Any) -> str:
        text = given(user) if callable(given) else given
        return f"{text}<p>{notice}</p>" if text else notice

    return show


def describe(c: Any, base: type[Authenticator]) -> str:
    """Return the provider's name as the sign-in page says it."""
    name = c[base.__name__].get("login_service") or base(config=c).login_service
    return str(name or base.__name__.removesuffix("OAuthenticator"))
