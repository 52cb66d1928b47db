"""Which secrets the hub needs, and how each is generated: the list is chart/ci/fake-secrets.yaml."""

import functools
import re
import secrets

from deployer.errors import UserError
from deployer.marks import FAKE
from deployer.paths import FAKE_SECRETS
from deployer.yaml_files import KeyPath, join_keys, list_leaves, read_mapping

# Without 0, O, 1, I and l, which people confuse when they copy a password from a slide.
LETTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
RECIPE = re.compile(FAKE + r"(?:(?P<how>hex|password)-(?P<length>[0-9]+)|ask)--(?P<what>[a-z0-9-]+)")
# The key that says whose secrets a file has. It is not a secret.
OWNER: KeyPath = ("secretsFor",)


@functools.cache
def list_recipes() -> dict[KeyPath, re.Match[str]]:
    """Return every secret that the hub needs, with how it is generated."""
    found = {}
    for path, fake in list_leaves(read_mapping(FAKE_SECRETS)):
        if path == OWNER:
            continue
        recipe = RECIPE.fullmatch(str(fake))
        if not recipe:
            raise UserError(
                f"chart/ci/fake-secrets.yaml: {join_keys(path)} is '{fake}', which does not say how the real value is "
                f"generated; the head of the file shows how, for example `{FAKE}ask--api-key`"
            )
        found[path] = recipe
    return found


def generate(recipe: re.Match[str]) -> str:
    """Return a random value; an empty text where only a provider has the value."""
    if recipe["how"] == "hex":
        return secrets.token_hex(int(recipe["length"]) // 2)
    if recipe["how"] == "password":
        return generate_password(int(recipe["length"]))
    return ""


def generate_password(length: int) -> str:
    """Return a random password."""
    return "".join(secrets.choice(LETTERS) for _ in range(length))


def fill_in(values: dict[KeyPath, str], node: object = None, path: KeyPath = ()) -> object:
    """Return the mappings and lists of chart/ci/fake-secrets.yaml with values in place of the fakes."""
    if not path:
        node = read_mapping(FAKE_SECRETS)
    if isinstance(node, dict):
        return {key: fill_in(values, item, (*path, key)) for key, item in node.items()}
    if isinstance(node, list):
        return [fill_in(values, item, (*path, number)) for number, item in enumerate(node)]
    return values[path]
