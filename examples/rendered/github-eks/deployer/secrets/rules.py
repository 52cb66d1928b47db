"""The rules in .sops.yaml: which keys shall open the secrets of an environment."""

import re

from deployer.errors import UserError
from deployer.marks import BLANK
from deployer.paths import SOPS_RULES
from deployer.yaml_files import YamlMapping, read_mapping

KINDS = ("age", "kms", "gcp_kms", "azure_keyvault")


def find_rule(env: str) -> YamlMapping:
    """Return the rule by which the file of an environment is encrypted."""
    rules: list[YamlMapping] = read_mapping(SOPS_RULES).get("creation_rules") or []
    for rule in rules:
        if re.search(rule.get("path_regex", ""), f"secrets/{env}.yaml"):
            return rule
    raise UserError(f".sops.yaml has no rule for secrets/{env}.yaml: each environment has its own")


def list_recipients(env: str) -> list[str]:
    """Return the keys that shall open the file of an environment."""
    rule = find_rule(env)
    keys: list[str] = []
    for kind in KINDS:
        named = rule.get(kind) or []
        keys += [key.strip() for key in named.split(",")] if isinstance(named, str) else named
    return keys


def require_recipients(env: str) -> None:
    """Raise UserError where nothing can be encrypted yet."""
    keys = list_recipients(env)
    if not keys:
        raise UserError(f".sops.yaml names no key for secrets/{env}.yaml: docs/secrets.md says which")
    for key in keys:
        if BLANK in key:
            raise UserError(
                f".sops.yaml: the key of {env} is still '{key}'. docs/secrets.md has the commands that create one; "
                "put its name there, then run `make secrets` again"
            )
