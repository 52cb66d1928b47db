"""Other hubs in the same cluster, read from their repositories: which of them share nodes with this one."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from deployer import course, values
from deployer.chart import read_name
from deployer.course import Course, OtherHub
from deployer.errors import UserError
from deployer.paths import CONFIG
from deployer.seats import count_course_seats, count_nodes
from deployer.units import format_memory
from deployer.yaml_files import join_keys, read_mapping

# Keys of course.node that have one value for all hubs on the same nodes.
COMMON = ("memory", "reserved", "max")


@dataclass(frozen=True)
class Hub:
    """A hub of another repository, as its prod is: the folder, the name, the node pool of its students, the course."""

    folder: str
    name: str
    pool: str
    course: Course


def read_hub(folder: str) -> Hub:
    """Return the hub of a repository. Raises UserError for a folder that is not one, and for one of this hub."""
    root = Path(folder).absolute()
    if not (root / "chart" / "Chart.yaml").is_file():
        raise UserError(
            f"HUBS: {folder} is not the repository of a hub. Name folders, such as HUBS='../stat-102 ../bio-7'"
        )
    name = str(read_mapping(root / "chart" / "Chart.yaml")["name"])
    if name == read_name():
        raise UserError(f"HUBS: {folder} is this hub, which counts already. Leave it out")
    given = values.stack(*(read_mapping(root / "config" / f"{layer}.yaml") for layer in ("hub", "prod")))
    found = values.merge(read_mapping(root / "chart" / "values.yaml"), given)
    if errors := course.list_schema_errors(found):
        path, problem = errors[0]
        raise UserError(f"{folder}: {join_keys(path)} {problem}. Run `make check` there")
    return Hub(folder, name, course.read_pool(found), course.parse_course(found))


def list_sharing(hubs: list[Hub]) -> list[Hub]:
    """Return the hubs whose students are on the nodes of this one."""
    own = course.read_pool(read_mapping(CONFIG / "hub.yaml"))
    return [hub for hub in hubs if hub.pool == own]


def replace_others(here: Course, hubs: list[Hub]) -> Course:
    """Return the course as it is with the hubs that share its nodes, in place of those in course.node.sharedWith."""
    others = (OtherHub(hub.name, hub.course.peak, hub.course.server.memory) for hub in list_sharing(hubs))
    ordered = tuple(sorted(others, key=lambda hub: hub.name))
    return dataclasses.replace(here, node=dataclasses.replace(here.node, shared_with=ordered))


def write_entry(hub: OtherHub) -> str:
    """Return the line of a hub in course.node.sharedWith."""
    memory = hub.memory if hub.memory % 2**20 else format_memory(hub.memory)
    return f"{hub.name}: {{peak: {hub.peak}, memory: {memory}}}"


def describe_written(here: Course, hubs: list[Hub]) -> list[str]:
    """Return the lines about nodes of other pools, and what differs between the repositories, with what to write."""
    lines = []
    sharing = list_sharing(hubs)
    for hub in hubs:
        if hub not in sharing:
            each, most = count_course_seats(hub.course).each, hub.course.node.max
            nodes = count_nodes(hub.course.peak, each)
            lines.append(f"{hub.name} needs {nodes} of the {most} nodes of another pool, {hub.pool}.")
    wanted = replace_others(here, hubs).node.shared_with
    if not wanted and here.node.shared_with:
        lines.append("config/hub.yaml: course.node.sharedWith names hubs that are not on these nodes. Remove it.")
    elif wanted != here.node.shared_with:
        lines += ["config/hub.yaml has other numbers. Write under course.node:", "  sharedWith:"]
        lines += [f"    {write_entry(hub)}" for hub in wanted]
    elif wanted:
        lines.append("course.node.sharedWith in config/hub.yaml has the same numbers.")
    own = OtherHub(read_name(), here.peak, here.server.memory)
    for hub in sharing:
        for key in COMMON:
            if (theirs := getattr(hub.course.node, key)) != (ours := getattr(here.node, key)):
                shown = [format_memory(size) if key != "max" else size for size in (theirs, ours)]
                lines.append(f"{hub.folder}: course.node.{key} is {shown[0]}, and {shown[1]} here. Write one in both.")
        if own not in hub.course.node.shared_with:
            lines.append(
                f"{hub.folder}: course.node.sharedWith lacks this hub, or has other numbers. Write {write_entry(own)}"
            )
    return lines
