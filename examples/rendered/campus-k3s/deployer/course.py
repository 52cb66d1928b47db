"""The course that the values describe, validated: the nodes, what a student's server is guaranteed, the calendar."""

from dataclasses import dataclass
from datetime import date

import jsonschema

from deployer import units, values
from deployer.errors import UserError
from deployer.yaml_files import KeyPath, YamlMapping, find_value, join_keys

# The label of a node with the name of its pool, and the pool of a hub that selects none.
POOL_LABEL, SHARED_POOL = "hub.jupyter.org/pool", "students"
# What the jupyterhub chart guarantees where the values do not say.
CHART_GUARANTEE = "1G"


@dataclass(frozen=True)
class OtherHub:
    """Another hub with students on the same nodes: how many at once, and the bytes that each is guaranteed."""

    name: str
    peak: int
    memory: int


@dataclass(frozen=True)
class Node:
    """A node of the students' pool: what it has for pods, in bytes and processors, and how many there may be."""

    memory: int
    max: int
    reserved: int
    cpu: float | None
    pods: int | None
    disks: int | None
    price: float | None
    shared_with: tuple[OtherHub, ...] = ()


@dataclass(frozen=True)
class Server:
    """What the server of a student is guaranteed, in bytes and processors, where the student chooses nothing."""

    memory: int
    cpu: float
    has_volume: bool
    # The largest memory that a choice of the default profile guarantees; 0 where there is no choice.
    most: int = 0


@dataclass(frozen=True)
class Calendar:
    """Hours of a week in which the nodes of the whole class are up, hours on dates, the last day (None: no end)."""

    hours: float
    dates: tuple[tuple[date, float], ...]
    term_ends: date | None


@dataclass(frozen=True)
class Course:
    """What the values say of the course."""

    peak: int
    node: Node
    server: Server
    calendar: Calendar


def list_schema_errors(found: YamlMapping) -> list[tuple[KeyPath, str]]:
    """Return what is wrong with `course` by chart/values.schema.json: the keys, and the message."""
    schema = values.read_schema()["properties"]["course"]
    part = {"required": ["course"], "properties": {"course": schema}}
    errors: list[tuple[KeyPath, str]] = []
    for error in jsonschema.Draft202012Validator(part).iter_errors(found):
        path = tuple(error.absolute_path)
        if error.validator == "required":
            missing = [key for key in error.validator_value if key not in error.instance]
            errors += [((*path, key), "is missing") for key in missing]
        elif error.instance is None:
            errors.append((path, "is empty"))
        elif error.validator == "type":
            kinds = [error.validator_value] if isinstance(error.validator_value, str) else error.validator_value
            errors.append((path, f"must be of the type {' or '.join(kinds)} ({error.instance!r})"))
        else:
            errors.append((path, error.message))
    return errors


def read_course(env: str) -> Course:
    """Return the course of an environment. Raises UserError with one line for each mistake in `course`."""
    found = values.read_values(env)
    errors = list_schema_errors(found)
    if errors:
        lines = []
        for path, problem in errors:
            source = values.find_source(env, path) or "config/hub.yaml: "
            lines.append(f"{source}{join_keys(path)} {problem}. Correct it there; `make check` says what else is wrong")
        raise UserError("\n".join(lines))
    return parse_course(found)


def parse_course(found: YamlMapping) -> Course:
    """Return the course of values that are valid by the schema. Raises UserError for a size that cannot be read."""
    course = found["course"]
    calendar = course.get("calendar") or {}
    return Course(
        peak=course["peak"],
        node=parse_node(course["node"]),
        server=parse_server(found),
        calendar=parse_calendar(calendar),
    )


def parse_calendar(calendar: YamlMapping) -> Calendar:
    """Return for how long `course.calendar` needs its nodes, and the end of the term."""
    before, classes = calendar.get("before") or 0, calendar.get("classes") or ()
    dates = [
        (day, count_hours(lecture, before))
        for lecture in classes
        for text in lecture.get("dates") or ()
        if (day := units.parse_date(text, "course.calendar.classes: dates"))
    ]
    for exam in calendar.get("exams") or ():
        start, end = (units.parse_moment(exam[edge], f"course.calendar.exams: {edge}") for edge in ("start", "end"))
        dates.append((start.date(), (end - start).total_seconds() / 3600 + before / 60))
    return Calendar(
        hours=sum(count_hours(lecture, before) * len(lecture.get("days") or ()) for lecture in classes),
        dates=tuple(dates),
        term_ends=units.parse_date(calendar.get("termEnds") or None, "course.calendar.termEnds"),
    )


def count_hours(lecture: YamlMapping, before: int) -> float:
    """Return the hours for which a class needs its nodes each time it meets."""
    start, end = (units.parse_time(lecture[edge], f"course.calendar.classes: {edge}") for edge in ("start", "end"))
    return (end - start + before) / 60


def parse_node(node: YamlMapping) -> Node:
    """Return the node that `course.node` describes."""
    return Node(
        memory=units.parse_memory(node["memory"], "course.node.memory"),
        max=node["max"],
        reserved=units.parse_memory(node.get("reserved") or 0, "course.node.reserved"),
        cpu=None if node.get("cpu") is None else units.parse_number(node["cpu"], "course.node.cpu"),
        pods=node.get("pods"),
        disks=node.get("disks"),
        price=node.get("price"),
        shared_with=tuple(
            OtherHub(name, hub["peak"], units.parse_memory(hub["memory"], f"course.node.sharedWith.{name}.memory"))
            for name, hub in sorted((node.get("sharedWith") or {}).items())
        ),
    )


def find_mapping(item: object, *path: str | int) -> YamlMapping:
    """Return the mapping at a path; an empty one where there is something else."""
    found = find_value(item, *path)
    return found if isinstance(found, dict) else {}


def read_pool(found: YamlMapping) -> str:
    """Return the name of the node pool whose nodes the values select for students."""
    selected = find_value(found, "jupyterhub", "singleuser", "nodeSelector", POOL_LABEL)
    return SHARED_POOL if selected is None else str(selected)


def list_choices(profile: YamlMapping) -> list[YamlMapping]:
    """Return the settings of the choice that each option of a profile starts with: the one marked, or the first.

    Helm sorts options and choices by their keys before KubeSpawner reads them.
    """
    settings = []
    for _, option in sorted(find_mapping(profile, "profile_options").items()):
        choices = [choice for _, choice in sorted(find_mapping(option, "choices").items())]
        marked = [choice for choice in choices if find_value(choice, "default")]
        settings += [find_mapping(choice, "kubespawner_override") for choice in (marked[-1:] or choices[:1])]
    return settings


def parse_server(found: YamlMapping) -> Server:
    """Return what a student is guaranteed who chooses nothing, and so gets the default profile, or the first."""
    user = find_mapping(found, "jupyterhub", "singleuser")
    listed = find_value(user, "profileList")
    profiles = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    chosen = next((item for item in reversed(profiles) if item.get("default")), profiles[0] if profiles else {})
    guarantee = find_value(user, "memory", "guarantee")
    memory = CHART_GUARANTEE if guarantee is None else guarantee
    cpu = find_value(user, "cpu", "guarantee")
    for override in (find_mapping(chosen, "kubespawner_override"), *list_choices(chosen)):
        memory = override.get("mem_guarantee", memory)
        cpu = override.get("cpu_guarantee", cpu)
    return Server(
        memory=units.parse_memory(memory or 0, "jupyterhub.singleuser.memory.guarantee"),
        cpu=units.parse_number(cpu or 0, "jupyterhub.singleuser.cpu.guarantee"),
        has_volume=(find_value(user, "storage", "type") or "dynamic") == "dynamic",
        most=find_largest_choice(chosen),
    )


def find_largest_choice(profile: YamlMapping) -> int:
    """Return the largest memory, in bytes, that a choice of a profile guarantees; 0 where none does.

    Servers that select other nodes are left out: course.node does not describe these.
    """
    sizes = [0]
    for option in find_mapping(profile, "profile_options").values():
        for choice in find_mapping(option, "choices").values():
            override = find_mapping(choice, "kubespawner_override")
            elsewhere = override.get("node_selector") or find_value(profile, "kubespawner_override", "node_selector")
            if (memory := override.get("mem_guarantee")) and not elsewhere:
                sizes.append(units.parse_memory(memory, "jupyterhub.singleuser.profileList.mem_guarantee"))
    return max(sizes)
