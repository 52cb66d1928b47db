"""A unified diff of the objects of two commits, without secrets."""

import difflib
import re
from typing import Any

import yaml

from deployer import redact
from deployer.impact.side import Side

SECRET = re.compile(r"(secret|password|token|keys?)$", re.IGNORECASE)


def hide_secrets(value: Any, key: str = "") -> Any:
    """Return values without the texts under keys that name a secret."""
    if isinstance(value, dict):
        return {name: hide_secrets(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [hide_secrets(item, key) for item in value]
    return "(redacted)" if isinstance(value, str) and value and SECRET.search(key) else value


def write_documents(side: Side, redacted: list[dict[str, Any]]) -> dict[str, str]:
    """Return the objects as YAML, by their names. The hub's values are a document of their own, and not a Secret."""
    documents = {f"{item['kind']} {item['metadata']['name']}": item for item in redacted}
    documents["What the hub reads"] = hide_secrets(side.hub)
    for item in documents.values():
        if item.get("kind") == "Secret" and "values.yaml" in (item.get("data") or {}):
            del item["data"]["values.yaml"]
    return {name: yaml.safe_dump(item, sort_keys=True, width=120) for name, item in documents.items()}


def compare_objects(base: Side, head: Side) -> str:
    """Return the diff of all objects."""
    redacted = redact.redact_objects([*base.objects.values(), *head.objects.values()])
    old = write_documents(base, redacted[: len(base.objects)])
    new = write_documents(head, redacted[len(base.objects) :])
    lines: list[str] = []
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name, "").splitlines(), new.get(name, "").splitlines()
        lines += difflib.unified_diff(before, after, name, name, n=2, lineterm="")
    return "\n".join(lines)
