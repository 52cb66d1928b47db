"""Take secrets out of what is printed or compared."""

import base64
import hashlib
import hmac
import os
from typing import Any

SALT = os.urandom(32)


def mask(text: str, secrets: list[str]) -> str:
    """Return a text without the given values and their base64."""
    for value in sorted(filter(None, secrets), key=len, reverse=True):
        for form in (value, base64.b64encode(value.encode()).decode()):
            text = text.replace(form, "(redacted)")
    return text


def mark(value: str) -> str:
    """Return what stands for a value. It is salted in each process: nobody can guess a short value from it."""
    return f"(redacted {hmac.new(SALT, value.encode(), hashlib.sha256).hexdigest()[:8]})"


def find_secret_values(objects: list[dict[str, Any]]) -> dict[str, str]:
    """Return the values of Kubernetes' Secrets, in base64 and in plain text, with their marks."""
    known: dict[str, str] = {}
    for item in objects:
        if item["kind"] == "Secret":
            for value in (item.get("data") or {}).values():
                known[value] = known[base64.b64decode(value).decode(errors="replace")] = mark(value)
            for plain in (item.get("stringData") or {}).values():
                known[plain] = mark(base64.b64encode(plain.encode()).decode())
    return known


def redact_objects(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return Kubernetes objects without the values of Secrets, wherever in the objects these appear.

    Equal values become equal marks, so that a diff shows what changes.
    """
    known = find_secret_values(objects)
    # A shorter value is not a secret, and its text would be found in many places.
    long = sorted((value for value in known if len(value) >= 8), key=len, reverse=True)

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: mark(item) if key.startswith("checksum/") else clean(item) for key, item in value.items()}
        if isinstance(value, list):
            return [clean(item) for item in value]
        if isinstance(value, str):
            for secret in long:
                value = value.replace(secret, known[secret])
        return value

    redacted = []
    for item in objects:
        if item["kind"] == "Secret":
            fields = [field for field in ("data", "stringData") if item.get(field)]
            item = item | {field: {key: known[value] for key, value in item[field].items()} for field in fields}
        redacted.append(clean(item))
    return redacted
