"""The people of a trial: what a provider would say of the staff, of a student and of somebody whom nobody knows."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Claims = dict[str, Any]
# Where an outsider comes from: a domain, an organisation and an identity provider that no hub names.
ELSEWHERE = "elsewhere.invalid"
MANY = 8


@dataclass
class Person:
    """Somebody to choose on the page, and whether the hub's rules let them in."""

    name: str
    what: str
    belongs: bool
    allowed: bool | None = None


def list_role_users(roles: Mapping[str, Any] | None) -> list[str]:
    """Return the names in the roles of hub.loadRoles that open the admin page."""
    staff: list[str] = []
    for name, role in (roles or {}).items():
        if role and (name == "admin" or "admin-ui" in (role.get("scopes") or ())):
            staff += role.get("users") or []
    return list(dict.fromkeys(staff))


def list_staff(authenticator: Any, roles: list[dict[str, Any]]) -> list[str]:
    """Return the names of the course staff: those of JupyterHub's roles, and the admins."""
    named = list_role_users({role["name"]: role for role in roles})
    return list(dict.fromkeys([*named, *sorted(authenticator.admin_users)]))


def list_domains(authenticator: Any, staff: list[str]) -> Iterator[str]:
    """Yield the domains in which a student may be: from the rules, then from the names of the staff."""
    yield from sorted(getattr(authenticator, "hosted_domain", None) or [])
    yield from sorted(getattr(authenticator, "allowed_domains", None) or [])
    yield from re.findall(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", authenticator.username_pattern.replace("\\", ""))
    for rule in (getattr(authenticator, "idps", None) or {}).values():
        yield from rule.get("allowed_domains") or []
        yield from [rule["username_derivation"]["domain"]] if rule["username_derivation"].get("domain") else []
    yield from (name.partition("@")[2] for name in staff if "@" in name)


def list_student_names(authenticator: Any, staff: list[str]) -> list[str]:
    """Return names for a student, the likeliest first: one that the rules name, else one in a domain of the rules."""
    named = sorted(set(authenticator.allowed_users) - set(staff) - set(authenticator.admin_users))
    made = [f"student@{domain}" for domain in dict.fromkeys(list_domains(authenticator, staff))]
    return [*named[:1], *made, "student"]


def list_groups(authenticator: Any) -> list[str]:
    """Return the groups that the rules name."""
    named = set(getattr(authenticator, "allowed_groups", None) or ())
    for groups in (getattr(authenticator, "allowed_google_groups", None) or {}).values():
        named |= set(groups)
    return sorted(named)


def set_nested(claims: Claims, path: str, value: Any) -> None:
    """Set a claim that a dotted path names."""
    *parents, last = path.split(".")
    for key in parents:
        claims = claims.setdefault(key, {})
    claims[last] = value


def make_claims(authenticator: Any, name: str, belongs: bool) -> Claims:
    """Return what the provider would say of a person.

    Somebody who belongs is in every organisation and group that the rules name, and comes from the identity provider
    of the university. Nobody else does. The domain is always that of the name.
    """
    domain = name.partition("@")[2]
    claims: Claims = {"sub": name, "email": name if domain else f"{name}@{ELSEWHERE}", "login": name, "id": 1}
    claims |= {"name": name, "preferred_username": name, "verified_email": True, "email_verified": True, "hd": domain}
    idps = getattr(authenticator, "idps", None) or {}
    claims["idp"] = next(iter(idps), "") if belongs else f"https://{ELSEWHERE}/idp"
    rule = idps.get(claims["idp"], {}).get("username_derivation", {})
    named = (rule.get("username_claim"), getattr(authenticator, "username_claim", ""), find_username_key(authenticator))
    for claim in named:
        if isinstance(claim, str) and claim:
            set_nested(claims, claim, name)
    groups = list_groups(authenticator) if belongs else []
    key = getattr(authenticator, "auth_state_groups_key", "")
    inside = key.split(".", 1)[1] if isinstance(key, str) and "." in key else "groups"
    set_nested(claims, inside, groups)
    if isinstance(claim_key := getattr(authenticator, "claim_groups_key", None), str):
        set_nested(claims, claim_key, groups)
    claims["member_at"] = list_memberships(authenticator, name) if belongs else []
    return json.loads(json.dumps(claims))  # type: ignore[no-any-return]


def find_username_key(authenticator: Any) -> str:
    """Return the claim that an LMS tells the name in."""
    key = getattr(authenticator, "username_key", "") or ""
    custom = "https://purl.imsglobal.org/spec/lti/claim/custom"
    return "" if key.startswith("custom_") or custom in key else key


def list_memberships(authenticator: Any, name: str) -> list[str]:
    """Return the paths at which GitHub's API says that a person is a member of what the rules name."""
    paths = []
    for allowed in getattr(authenticator, "allowed_organizations", None) or ():
        organisation, _, team = allowed.partition(":")
        paths.append(f"/orgs/{organisation}/{f'teams/{team}/' if team else ''}members/{name}")
    return paths
