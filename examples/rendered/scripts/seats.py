"""Say how many students the nodes seat, what a term costs, and what another guarantee would change."""

import argparse
import re
from datetime import date, datetime
from typing import NamedTuple

import hub

UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
# What the jupyterhub chart guarantees where nothing is said.
CHART_GUARANTEE = "1G"
# Assumed where the calendar says nothing: a term from its first lecture to its last exam.
WEEKS = 15
# The calendar brings the nodes up so long before a class.
HOURS_BEFORE = 0.5
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Seats(NamedTuple):
    """Students on a node, the limit that ends first, those on all nodes, and what each limit allows on a node."""

    each: int
    least: str
    total: int
    limits: dict[str, int]


def memory(value: str | float, key: str) -> int:
    """Bytes of a memory in JupyterHub's units, whose K, M, G and T are powers of 1024."""
    if isinstance(value, int | float):
        return int(value)
    if not re.fullmatch(r"[0-9]+([.][0-9]+)?[KMGT]", value):
        hub.stop(f"{key}: '{value}' is not in JupyterHub's units; write a number with K, M, G or T after it, as in 2G")
    return int(float(value[:-1]) * UNITS[value[-1]])


def text(size: int) -> str:
    """Bytes as people write them in config/."""
    return f"{size // UNITS['G']}G" if size % UNITS["G"] == 0 else f"{size // UNITS['M']}M"


def count(node: dict, guarantee: int, cpu: float | None, disk: bool) -> Seats:
    """The seats of course.node; `hub.seats` in chart/templates/_helpers.tpl, which guards a deploy, is the same."""
    free = memory(node["memory"], "course.node.memory") - memory(node.get("reserved", 0), "course.node.reserved")
    limits = {}
    if guarantee > 0:
        limits["memory"] = max(0, free) // guarantee
    # Kubernetes counts processors in thousandths, and so the division has no remainder of a float's.
    share = round((cpu or 0) * 1000)
    if "cpu" in node and share > 0:
        limits["cpu"] = round(node["cpu"] * 1000) // share
    if "pods" in node:
        limits["pods"] = node["pods"]
    if disk and "disks" in node:
        limits["disks"] = node["disks"]
    least = min(limits, key=lambda name: limits[name], default="")
    each = limits.get(least, 0)
    return Seats(each, least, each * node["max"], limits)


def student(values: dict) -> tuple[int, float | None, bool]:
    """What a student is guaranteed, memory and processors, and whether each has a volume.

    A student who chooses nothing gets the default profile, or the first.
    """
    user = values["jupyterhub"].get("singleuser", {})
    profiles = user.get("profileList") or [{}]
    chosen = next((profile for profile in reversed(profiles) if profile.get("default")), profiles[0])
    override = chosen.get("kubespawner_override") or {}
    guarantee = override.get("mem_guarantee", user.get("memory", {}).get("guarantee", CHART_GUARANTEE))
    cpu = override.get("cpu_guarantee", user.get("cpu", {}).get("guarantee"))
    disk = user.get("storage", {}).get("type", "dynamic") == "dynamic"
    return memory(guarantee or 0, "jupyterhub.singleuser.memory.guarantee"), cpu, disk


def seats(values: dict) -> Seats:
    """The seats of an environment's values."""
    return count(values["course"]["node"], *student(values))


def arithmetic(values: dict) -> list[str]:
    """How the seats come about."""
    node = values["course"]["node"]
    guarantee, cpu, disk = student(values)
    found = count(node, guarantee, cpu, disk)
    reserved = memory(node.get("reserved", 0), "course.node.reserved")
    words = {
        "memory": f"{node['memory']} of memory, {text(reserved) if reserved else 'nothing'} reserved, "
        f"{text(guarantee)} guaranteed to a student",
        "cpu": f"{node.get('cpu')} processors, {cpu} guaranteed to a student",
        "pods": "pods that a node runs for students",
        "disks": "volumes that a node can have, one for each student",
    }
    lines = ["A node seats, by"]
    lines += [f"  {name:6} {limit:5}   {words[name]}" for name, limit in found.limits.items()]
    lines += [
        f"{found.least.capitalize()} ends first: {found.each} seats on a node, "
        f"{found.total} seats on {node['max']} nodes."
    ]
    return lines


def needed(peak: int, each: int) -> int:
    """Nodes for so many students."""
    return -(-peak // each) if each else 0


def demand(values: dict) -> list[str]:
    """Whether the class has seats, and on how many nodes."""
    peak, most = values["course"]["peak"], values["course"]["node"]["max"]
    found = seats(values)
    if found.total < peak:
        way = f"raise course.node.max to {needed(peak, found.each)}" if found.each else "take larger nodes"
        return [f"That is not enough for course.peak, {peak} students at once, and a deploy is refused: {way}."]
    return [f"{peak} students at once need {needed(peak, found.each)} of the {most} nodes."]


def class_hours(calendar: dict) -> float:
    """Hours of a week in which the nodes of the whole class are up; classes of one day alone are left out."""
    hours = 0.0
    for lecture in calendar.get("classTimes") or []:
        day, times = lecture.split()
        if day in DAYS:
            start, end = (datetime.strptime(time, "%H:%M") for time in times.split("-"))
            hours += (end - start).total_seconds() / 3600 + HOURS_BEFORE
    return hours


def cost(values: dict, today: date) -> list[str]:
    """What the nodes cost in a term, and what was assumed."""
    course = values["course"]
    price, found = course["node"].get("price"), seats(values)
    if price is None:
        return ["What a term costs is not known: course.node.price, the price of a node an hour, is not there."]
    nodes = needed(course["peak"], found.each)
    calendar = course.get("calendar", {})
    ends = calendar.get("termEnds")
    weeks = max(0.0, (date.fromisoformat(str(ends)) - today).days / 7) if ends else WEEKS
    span = f"{weeks:.0f} weeks until {ends}" if ends else f"{WEEKS} weeks (assumed: course.calendar.termEnds is empty)"
    always = nodes * price * 168 * weeks
    lines = [f"A term of {span} costs {always:,.0f} with {nodes} nodes at {price} an hour, always on."]
    if hours := class_hours(calendar):
        evening = (nodes * hours + 1 * (168 - hours)) * price * weeks
        lines.append(
            f"With the calendar it costs {evening:,.0f}: {nodes} nodes for {hours:g} hours a week, "
            "and (assumed) one node between the classes."
        )
    return lines


def notches(values: dict) -> list[str]:
    """What the next smaller and larger guarantee would change, of 512M, 768M, 1G, 1536M, 2G, 3G and so on."""
    course = values["course"]
    node, peak = course["node"], course["peak"]
    guarantee, cpu, disk = student(values)
    ladder = sorted(factor * 2**power for factor in (2, 3) for power in range(20, 44))
    less = max((step for step in ladder if step < guarantee), default=0)
    more = min((step for step in ladder if step > guarantee), default=0)
    lines = []
    for title, other in (("One notch less", less), ("One notch more", more)):
        then = count(node, other, cpu, disk)
        if other and then.each:
            lines.append(
                f"{title}, {text(other)} guaranteed: {then.each} seats on a node, {then.total} in all; "
                f"{peak} students need {needed(peak, then.each)} nodes."
            )
        elif other:
            lines.append(f"{title}, {text(other)} guaranteed: no seat at all.")
    return lines


def report(env: str, today: date) -> str:
    """All of it, for an environment."""
    values = hub.values(env)
    if "node" not in values["course"]:
        hub.stop("course.node is not in config/hub.yaml: write what a node has, at least its memory and max")
    return "\n".join([*arithmetic(values), *demand(values), *cost(values, today), *notches(values)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", choices=hub.ENVIRONMENTS, help="one environment instead of both")
    asked = parser.parse_args().env
    reports: dict[str, list[str]] = {}
    for env in [asked] if asked else hub.ENVIRONMENTS:
        reports.setdefault(report(env, date.today()), []).append(env)
    hub.say("\n\n".join(f"{' and '.join(envs)}:\n{found}" for found, envs in reports.items()))


if __name__ == "__main__":
    main()
