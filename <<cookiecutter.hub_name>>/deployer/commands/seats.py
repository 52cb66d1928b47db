"""Print how many students the nodes seat, what a term costs, and what another guarantee would change."""

import argparse
import dataclasses
from datetime import date

from deployer.commands.options import add_environment, list_environments
from deployer.course import Course, read_course
from deployer.seats import count_course_seats, count_nodes, count_seats, describe_cost
from deployer.units import format_memory

# The steps of a guarantee: 512M, 768M, 1G, 1536M, 2G, 3G and so on, in bytes.
STEPS = sorted(factor * 2**power for factor in (2, 3) for power in range(20, 44))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_environment(parser, required=False)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    reports: dict[str, list[str]] = {}
    for env in list_environments(arguments):
        reports.setdefault(describe(read_course(env), date.today()), []).append(env)
    print("\n\n".join(f"{' and '.join(envs)}:\n{report}" for report, envs in reports.items()))


def describe(course: Course, today: date) -> str:
    """Return the whole report of a course."""
    lines = [*describe_limits(course), *describe_demand(course), *describe_cost(course, today), *describe_steps(course)]
    return "\n".join(lines)


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
        f"{found.least.capitalize()} is the limit: {found.each} seats per node, {found.total} seats on {node.max} "
        "nodes.",
    ]


def describe_demand(course: Course) -> list[str]:
    """Return whether the class has seats, and on how many nodes."""
    found = count_course_seats(course)
    nodes = count_nodes(course.peak, found.each)
    if found.total < course.peak:
        way = f"raise course.node.max to {nodes}" if found.each else "take larger nodes"
        return [f"That is not enough for course.peak, {course.peak} students at once, and a deploy is rejected: {way}."]
    lines = [f"{course.peak} students at once need {nodes} of the {course.node.max} nodes."]
    if course.server.most > course.server.memory:
        most = count_seats(course.node, dataclasses.replace(course.server, memory=course.server.most))
        lines.append(
            f"If all of them choose {format_memory(course.server.most)}: {most.each} seats per node, "
            f"{most.total} in all."
        )
    return lines


def describe_steps(course: Course) -> list[str]:
    """Return what the next smaller and the next larger guarantee would change."""
    guarantee = course.server.memory
    smaller = max((step for step in STEPS if step < guarantee), default=0)
    larger = min((step for step in STEPS if step > guarantee), default=0)
    lines = []
    for step in filter(None, (smaller, larger)):
        then = count_seats(course.node, dataclasses.replace(course.server, memory=step))
        if then.each:
            nodes = count_nodes(course.peak, then.each)
            lines.append(
                f"With {format_memory(step)} guaranteed: {then.each} seats per node, {then.total} in all; "
                f"{course.peak} students need {nodes} nodes."
            )
        else:
            lines.append(f"With {format_memory(step)} guaranteed: no seat at all.")
    return lines
