"""Read YAML files, and walk through what they hold."""

import copy
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from deployer.errors import UserError
from deployer.paths import ROOT, label

YamlMapping = dict[str, Any]
# The keys and list indexes that lead to a value.
KeyPath = tuple[str | int, ...]

PLAIN_TEXT = re.compile(r"(?:[0-9]+(?::[0-9]+)+|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?)$")
YAML_HINT = "in YAML, spaces indent, not tabs, and keys of one level begin in the same column"


class HelmLoader(yaml.SafeLoader):
    """Reads YAML as Helm does: 10:00 and 2027-02-12 are texts there, not numbers to the base of 60 and dates."""


HelmLoader.yaml_implicit_resolvers = {
    first: [("tag:yaml.org,2002:str", PLAIN_TEXT), *resolvers] if first in "0123456789" else resolvers
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_text(path: Path) -> str:
    """Return the text of a file. Raises UserError where it is missing or has what YAML rejects."""
    try:
        # Some editors put a mark before UTF-8, which would be a part of the first line.
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        way_out = f"`git checkout -- {label(path)}` brings it back"
        if path.parent == ROOT / "secrets":
            way_out = "`make secrets` makes it"
        raise UserError(f"{label(path)} is missing: {way_out}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        byte = error.object[error.start]
        raise UserError(
            f"{label(path)}:{line}: the byte 0x{byte:02x} is not UTF-8. Save the file with the encoding UTF-8"
        ) from error
    if found := yaml.reader.Reader.NON_PRINTABLE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise UserError(f"{label(path)}:{line}: there is a control character (U+{ord(found[0]):04X}). Remove it")
    return text


def find_conflicts(path: Path) -> list[str]:
    """Return a message for each conflict marker that git or copier left in a file."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return []
    return [
        f"{label(path)}:{number}: conflict markers of an update or merge. Keep what is right, and remove the markers"
        for number, line in enumerate(lines, 1)
        if line.startswith("<" * 7 + " ")
    ]


@functools.cache
def parse_text(text: str) -> Any:
    """Return what a YAML text holds, for all who read it. Commands read the same few files dozens of times."""
    return yaml.load(text, Loader=HelmLoader)  # noqa: S506 - a SafeLoader


def read_mapping(path: Path) -> YamlMapping:
    """Return a YAML file as a mapping, empty if it holds nothing. Raises UserError where it is not one."""
    try:
        found = copy.deepcopy(parse_text(read_text(path))) or {}
    except yaml.YAMLError as error:
        if conflicts := find_conflicts(path):
            raise UserError("\n".join(conflicts)) from error
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or error
        raise UserError(f"{label(path)}{line}: not valid YAML ({problem}); {YAML_HINT}") from error
    if not isinstance(found, dict):
        raise UserError(f"{label(path)}: its first level must be keys, as in `key: value`")
    return found


def read_objects(manifests: str) -> list[YamlMapping]:
    """Return the objects that Helm has rendered."""
    # libyaml is ten times as fast with the thousands of lines; a PyYAML that was built without it has the other one.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [item for item in yaml.load_all(manifests, Loader=loader) if item]


def list_leaves(value: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
    """Yield every value that is neither a mapping nor a list, with its path."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from list_leaves(item, (*path, key))
    else:
        yield path, value


@functools.cache
def find_blank_keys(text: str) -> frozenset[KeyPath]:
    """Return the keys of a YAML text with nothing behind the colon. A written `null` is meant."""

    def find_blank(node: yaml.Node | None, keys: KeyPath) -> Iterator[KeyPath]:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                yield from find_blank(value, (*keys, key.value))
        elif isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null" and not node.value:
            yield keys

    return frozenset(find_blank(yaml.compose(text, Loader=HelmLoader), ()))


def join_keys(path: KeyPath) -> str:
    """Return a path of keys as people write it: `course.node.max`."""
    return ".".join(str(key) for key in path)


def find_value(values: object, *path: str | int) -> Any:
    """Return the value at a path of keys; None where the path ends before."""
    for key in path:
        if isinstance(values, dict):
            values = values.get(key)
        elif isinstance(values, list) and isinstance(key, int) and key < len(values):
            values = values[key]
        else:
            return None
    return values


def has_value(values: object, *path: str | int) -> bool:
    """Return whether there is a value at a path of keys, even an empty one."""
    parent, key = find_value(values, *path[:-1]), path[-1]
    if isinstance(parent, list):
        return isinstance(key, int) and key < len(parent)
    return isinstance(parent, dict) and key in parent
