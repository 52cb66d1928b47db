"""How many students the nodes seat. `hub.seats` in chart/templates/_helpers.tpl, which guards a deploy, is the same."""

from dataclasses import dataclass, replace
from datetime import date

from deployer.course import Course, Node, Server
from deployer.units import format_memory

# Assumed where the calendar does not say: a term from its first lecture to its last exam.
WEEKS = 15


@dataclass(frozen=True)
class Seats:
    """Students on a node, the limit that is reached first, those on all nodes, and what each limit allows on a node."""

    each: int
    least: str
    total: int
    limits: dict[str, int]


def count_seats(node: Node, server: Server) -> Seats:
    """Return the seats of nodes for servers."""
    limits: dict[str, int] = {}
    if server.memory > 0:
        limits["memory"] = max(0, node.memory - node.reserved) // server.memory
    # Kubernetes counts processors in thousandths, and so the division has no remainder of a float's.
    share = round(server.cpu * 1000)
    if node.cpu is not None and share > 0:
        limits["cpu"] = round(node.cpu * 1000) // share
    if node.pods is not None:
        limits["pods"] = node.pods
    if server.has_volume and node.disks is not None:
        limits["disks"] = node.disks
    least = min(limits, key=lambda name: limits[name], default="")
    each = limits.get(least, 0)
    return Seats(each, least, each * node.max, limits)


@dataclass(frozen=True)
class Share:
    """A hub on nodes that it shares: its students at once, the bytes guaranteed, their seats on a node, their nodes."""

    name: str
    peak: int
    memory: int
    each: int
    nodes: int


def list_other_shares(course: Course) -> list[Share]:
    """Return the nodes of each hub in course.node.sharedWith: its students are counted on nodes of their own.

    What is not written there, processors and volumes, is taken to be as in this hub.
    """
    shares = []
    for hub in course.node.shared_with:
        each = count_seats(course.node, replace(course.server, memory=hub.memory)).each
        shares.append(Share(hub.name, hub.peak, hub.memory, each, count_nodes(hub.peak, each)))
    return shares


def count_left_nodes(course: Course) -> int:
    """Return the nodes that the other hubs on them leave to this one."""
    return max(0, course.node.max - sum(share.nodes for share in list_other_shares(course)))


def count_course_seats(course: Course, memory: int | None = None) -> Seats:
    """Return the seats of a course, or those that it had with another guarantee, in bytes."""
    server = course.server if memory is None else replace(course.server, memory=memory)
    return count_seats(replace(course.node, max=count_left_nodes(course)), server)


def count_nodes(students: int, each: int) -> int:
    """Return the nodes that so many students need; 0 where a node has no seat."""
    return -(-students // each) if each else 0


def describe_demand(course: Course) -> list[str]:
    """Return whether the class has seats, and on how many nodes."""
    found = count_course_seats(course)
    nodes, left = count_nodes(course.peak, found.each), count_left_nodes(course)
    others = sum(share.nodes for share in list_other_shares(course))
    if found.total < course.peak:
        way = f"raise course.node.max to {nodes + others}" if found.each else "take larger nodes"
        return [f"That is not enough for course.peak, {course.peak} students at once, and a deploy is rejected: {way}."]
    lines = [f"{course.peak} students at once need {nodes} of the {left} nodes{' that are left' if others else ''}."]
    if course.server.most > course.server.memory:
        most = count_course_seats(course, course.server.most)
        lines.append(
            f"If all of them choose {format_memory(course.server.most)}: {most.each} seats per node, "
            f"{most.total} in all."
        )
    return lines


def find_excess(course: Course) -> str:
    """Return what to write where course.node.max is made for a much larger class; an empty text where it fits.

    It is a number of its own: neither an edit of course.peak nor `make answers` changes it. A guard rejects too few.
    """
    found, most = count_course_seats(course), course.node.max
    # Course staff and the robot student want a seat too: templates/lib/nodes.jinja of the template.
    wanted = count_nodes(course.peak + 2, found.each) + sum(share.nodes for share in list_other_shares(course))
    if found.total < course.peak or most <= 2 * wanted or most - wanted < 3:
        return ""
    return (
        f"course.node.max is {most}, and {wanted} nodes are enough for course.peak, {course.peak} students at once. "
        f"Write max: {wanted} in config/hub.yaml, unless you want the other {most - wanted}."
    )


def describe_cost(course: Course, today: date) -> list[str]:
    """Return what the nodes of this hub cost in a term, and what was assumed. Those of other hubs are not in it."""
    price, ends = course.node.price, course.calendar.term_ends
    if price is None:
        return ["The cost of a term is not known: course.node.price, the price of a node per hour, is missing."]
    nodes = count_nodes(course.peak, count_course_seats(course).each)
    weeks = max(0.0, (ends - today).days / 7) if ends else WEEKS
    span = f"{weeks:.0f} weeks until {ends}" if ends else f"{WEEKS} weeks (assumed: course.calendar.termEnds is empty)"
    always = nodes * price * 168 * weeks
    lines = [f"A term of {span} costs {always:,.0f} with {nodes} nodes at {price} per hour, always on."]
    hours = course.calendar.hours
    on_dates = sum(length for day, length in course.calendar.dates if day >= today)
    if hours or on_dates:
        in_class = (nodes * hours + 1 * (168 - hours)) * price * weeks + (nodes - 1) * on_dates * price
        dated = f" and {on_dates:g} hours of exams and classes on dates" if on_dates else ""
        lines.append(
            f"With the calendar it costs {in_class:,.0f}: {nodes} nodes for {hours:g} hours per week{dated}, "
            "and (assumed) one node between the classes."
        )
    return lines
