"""Print how many students the nodes seat, what a term costs, and what another guarantee would change."""

import argparse
import shlex
from datetime import date

from deployer import chart, other_hubs
from deployer.commands.options import add_environment, list_environments
from deployer.course import Course, read_course
from deployer.seats import (
    Share,
    count_course_seats,
    count_left_nodes,
    count_nodes,
    describe_cost,
    describe_demand,
    find_excess,
    list_other_shares,
)
from deployer.units import format_memory

# The steps of a guarantee: 512M, 768M, 1G, 1536M, 2G, 3G and so on, in bytes.
STEPS = sorted(factor * 2**power for factor in (2, 3) for power in range(20, 44))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_environment(parser, required=False)
    parser.add_argument("--hubs", default="", help="folders of other repositories whose hubs are in the same cluster")


def run(arguments: argparse.Namespace) -> None:
    hubs = [other_hubs.read_hub(folder) for folder in shlex.split(arguments.hubs)]
    reports: dict[str, list[str]] = {}
    for env in list_environments(arguments):
        course = read_course(env)
        report = describe(other_hubs.replace_others(course, hubs) if hubs else course, date.today())
        if hubs:
            report = "\n".join([report, *other_hubs.describe_written(course, hubs)])
        reports.setdefault(report, []).append(env)
    print("\n\n".join(f"{' and '.join(envs)}:\n{report}" for report, envs in reports.items()))


def describe(course: Course, today: date) -> str:
    """Return the whole report of a course."""
    lines = [*describe_limits(course), *describe_others(course), *describe_demand(course)]
    lines += filter(None, [find_excess(course)])
    lines += describe_cost(course, today)
    if course.node.shared_with and course.node.price is not None:
        lines.append("That is this hub's share. `make seats` of each other hub says what it adds.")
    return "\n".join([*lines, *describe_steps(course)])


def describe_limits(course: Course) -> list[str]:
    """Return how the seats are counted."""
    node, server, found = course.node, course.server, count_course_seats(course)
    reserved = f"{format_memory(node.reserved)} reserved" if node.reserved else "nothing reserved"
    words = {
        "memory": f"{format_memory(node.memory)} of memory, {reserved}, {format_memory(server.memory)} guaranteed to a "
        "student",
        "cpu": f"{node.cpu} processors, {server.cpu} guaranteed to a student",
        "pods": "pods that a node runs for students",
        "disks": "volumes that a node can have, one for each student",
    }
    return [
        "Seats per node, limited by",
        *(f"  {name:6} {limit:5}   {words[name]}" for name, limit in found.limits.items()),
        f"{found.least.capitalize()} is the limit: {found.each} seats per node, {found.total} seats on "
        f"{count_left_nodes(course)} nodes.",
    ]


def describe_others(course: Course) -> list[str]:
    """Return the nodes of each hub that shares them, and of all of them."""
    others = list_other_shares(course)
    if not others:
        return []
    each = count_course_seats(course).each
    own = Share(chart.read_name(), course.peak, course.server.memory, each, count_nodes(course.peak, each))
    shares = [own, *others]
    width = max(len(name) for name in ("together", *(share.name for share in shares)))
    return [
        f"Hubs that share the {course.node.max} nodes, each with the nodes that its students need",
        *(
            f"  {share.name:{width}} {share.nodes:5}   {share.peak} students at once, {format_memory(share.memory)} "
            f"guaranteed, {share.each} seats per node"
            for share in shares
        ),
        f"  {'together':{width}} {sum(share.nodes for share in shares):5}",
    ]


def describe_steps(course: Course) -> list[str]:
    """Return what the next smaller and the next larger guarantee would change."""
    guarantee = course.server.memory
    smaller = max((step for step in STEPS if step < guarantee), default=0)
    larger = min((step for step in STEPS if step > guarantee), default=0)
    lines = []
    for step in filter(None, (smaller, larger)):
        then = count_course_seats(course, step)
        if then.each:
            nodes = count_nodes(course.peak, then.each)
            lines.append(
                f"With {format_memory(step)} guaranteed: {then.each} seats per node, {then.total} in all; "
                f"{course.peak} students need {nodes} nodes."
            )
        else:
            lines.append(f"With {format_memory(step)} guaranteed: no seat at all.")
    return lines
