"""Whose secrets a file has: `secretsFor` says `<release> in <repository>`, such as `stat-101-prod in org/stat-101`.

It is in plain text, so that `make check` reads it without a key, and signed with the rest of the file. A repository
that was forked, or renamed to be another hub, has the secrets of the first one, and is rejected until it has its own.
"""

import os
import re

from deployer.paths import CHART
from deployer.process import run
from deployer.yaml_files import read_mapping

NEW_CLASS = (
    "`make new-class NAME=...` makes another hub of this repository; `make secrets-forget`, then `make secrets`, gives "
    "it new secrets only"
)


def normalize_address(address: str) -> str:
    """Return the path of a repository's address, which is the same for https and ssh: `org/stat-101`."""
    path = re.sub(r"^[a-z+]+://[^/]*|^[^/:]+:(?!//)", "", address.strip())
    return path.rstrip("/").removesuffix(".git").strip("/").lower()


def list_repositories() -> dict[str, str]:
    """Return the paths of the git remotes, by their names. Empty outside of a repository."""
    remotes = run("git", "config", "--get-regexp", r"^remote\..*\.url$").stdout.splitlines()
    found = {key[len("remote.") : -len(".url")]: normalize_address(url) for key, url in map(str.split, remotes)}
    if target := os.environ.get("CI_MERGE_REQUEST_PROJECT_PATH"):
        # GitLab runs the merge request of a contributor's fork in the fork.
        found["CI_MERGE_REQUEST_PROJECT_PATH"] = normalize_address(target)
    return found


def describe_owner(env: str) -> str:
    """Return what `secretsFor` says in this repository."""
    origin = list_repositories().get("origin")
    release = f"{read_mapping(CHART / 'Chart.yaml')['name']}-{env}"
    return f"{release} in {origin}" if origin else release


def is_complete(env: str, owner: object) -> bool:
    """Return whether `secretsFor` says all that this repository could write there."""
    return " in " in str(owner) or owner == describe_owner(env)


def find_problem(env: str, owner: object) -> str:
    """Return what is wrong with `secretsFor` of a file; an empty text where the secrets are those of this hub."""
    file = f"secrets/{env}.yaml"
    if owner == env:
        # What the template wrote before it recorded the hub.
        return ""
    release = f"{read_mapping(CHART / 'Chart.yaml')['name']}-{env}"
    of, _, repository = str(owner).partition(" in ")
    if of != release:
        way = f"{NEW_CLASS}" if of.endswith(f"-{env}") else "each environment has its own, from `make secrets`"
        return f"{file} has the secrets of '{of}' (secretsFor): it must be '{release}'. {way[0].upper()}{way[1:]}"
    remotes = list_repositories()
    if not repository or not remotes:
        return ""
    if any(f"/{path}".endswith(f"/{repository}") or f"/{repository}".endswith(f"/{path}") for path in remotes.values()):
        return ""
    return (
        f"{file} has the secrets of the repository {repository} (secretsFor), and this one is "
        f"{remotes.get('origin') or ', '.join(remotes.values())}. For a new class: {NEW_CLASS}. To contribute from a "
        f"fork: `git remote add upstream` with the address of {repository}. If the repository has moved: "
        "`make secrets MOVED=yes`"
    )
