"""Units: memory of JupyterHub and of Kubernetes, durations of Helm, ages."""

import math
import re
from datetime import date, datetime, timezone

from deployer.errors import UserError

# JupyterHub's K, M, G and T are powers of 1024.
JUPYTERHUB_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
KUBERNETES_UNITS = {
    "": 1.0,
    "m": 1e-3,
    **{unit: 1000.0 ** (power + 1) for power, unit in enumerate("kMGT")},
    **{f"{unit}i": 1024.0 ** (power + 1) for power, unit in enumerate("KMGT")},
}
SECONDS = {"s": 1, "m": 60, "h": 3600}


def parse_number(value: object, key: str) -> float:
    """Return a number of processors."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UserError(f"{key}: '{value}' is not a number. Write one, such as 0.5")
    return value


def parse_memory(value: object, key: str) -> int:
    """Return an amount of memory in JupyterHub's units as bytes."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return int(value)
    found = re.fullmatch(r"([0-9]+(?:[.][0-9]+)?)([KMGT])", str(value))
    if not found:
        raise UserError(
            f"{key}: '{value}' is not in JupyterHub's units. Write a number with K, M, G or T after it, such as 2G"
        )
    return int(float(found[1]) * JUPYTERHUB_UNITS[found[2]])


def format_count(number: int, noun: str, plural: str = "") -> str:
    """Return a number of things: 1 home, 2 homes. `plural` is for a noun that does not end with an s there."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def format_memory(size: int) -> str:
    """Return bytes as people write them in config/: 14G, 1536M."""
    unit = "M" if size % JUPYTERHUB_UNITS["G"] else "G"
    return f"{size // JUPYTERHUB_UNITS[unit]}{unit}"


def format_size(size: int) -> str:
    """Return a measured number of bytes in whole units of the same kind: 14G, 1536M."""
    unit = "G" if size % JUPYTERHUB_UNITS["G"] == 0 or size >= 10 * JUPYTERHUB_UNITS["G"] else "M"
    return f"{size // JUPYTERHUB_UNITS[unit]}{unit}"


def format_bytes(size: float) -> str:
    """Return a number of bytes of any size in units of 1024: 12 bytes, 1.5 MiB."""
    names = ["bytes", "KiB", "MiB", "GiB", "TiB"]
    while size >= 1024 and len(names) > 1:
        size /= 1024
        names.pop(0)
    return f"{size:.0f} {names[0]}" if names[0] == "bytes" else f"{size:.1f} {names[0]}"


def parse_quantity(quantity: str) -> float:
    """Return a quantity of Kubernetes as a number: bytes, processors or pods."""
    found = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", quantity)
    if not found or found[2] not in KUBERNETES_UNITS:
        raise UserError(f"'{quantity}' is not a quantity of Kubernetes")
    return float(found[1]) * KUBERNETES_UNITS[found[2]]


def parse_duration(duration: str, key: str) -> int:
    """Return a duration as Helm reads it in seconds: 90s, 10m or 1h."""
    found = re.fullmatch(r"([0-9]+)([smh])", duration)
    if not found:
        raise UserError(f"{key}: '{duration}' is not a duration. Write a number with s, m or h after it, such as 10m")
    return int(found[1]) * SECONDS[found[2]]


def parse_time(value: object, key: str) -> int:
    """Return a time of day as minutes since midnight."""
    found = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])", str(value))
    if not found:
        raise UserError(f"{key}: '{value}' is not a time of day. Write it with 24 hours and in quotes, such as '09:00'")
    return 60 * int(found[1]) + int(found[2])


def parse_date(value: object, key: str) -> date | None:
    """Return a day; None where there is none."""
    try:
        return None if value is None else date.fromisoformat(str(value))
    except ValueError as error:
        raise UserError(f"{key}: '{value}' is not a date. Write it as 2027-02-12, in quotes") from error


def parse_moment(value: object, key: str) -> datetime:
    """Return a day with a time of day, without a time zone."""
    try:
        return datetime.strptime(str(value), "%Y-%m-%d %H:%M")
    except ValueError as error:
        raise UserError(f"{key}: '{value}' is not a date with a time of day. Write it as '2027-02-12 09:00'") from error


def format_age(moment: str, now: datetime) -> str:
    """Return how long ago a moment was, in the largest unit that fits. `moment` is in ISO 8601, in UTC."""
    then = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    seconds = (now - then.replace(tzinfo=then.tzinfo or timezone.utc)).total_seconds()
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return format_count(int(seconds // length), unit)
    return "less than a minute"
