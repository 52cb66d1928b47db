"""Say in the words of config/ what Helm, or the schema of the values, has found wrong."""

import difflib
import re

from deployer import values
from deployer.paths import label
from deployer.yaml_files import KeyPath, find_value, join_keys, list_leaves, read_mapping

NOISE = re.compile(r"^Error: execution error at \(.*?\): *\n?", re.MULTILINE)
DEBUG_HINT = "Use --debug flag to render out invalid YAML"
# Helm 4 writes the same text inside of a log line.
WARNING = re.compile(r'^.*?warning: (.*?)"?$', re.MULTILINE)
# The map may have texts of several lines.
LONG_WARNING = re.compile(r'^[^\n]*?warning: cannot overwrite table [^\n]*?\(map\[.*?\]\)"?$', re.MULTILINE | re.DOTALL)
REPLACED = re.compile(r"cannot overwrite table with non table for [^. ]+\.(\S+) \(map\[(.*)\]\)")
# What templates say of a mapping that is not there.
CRASH = ("nil pointer evaluating", "wrong type for value")
NO_VALUE = "the key has no value. Write one, or remove the line"
KINDS = {
    **{"string": "a text", "array": "a list", "object": "a map", "boolean": "true or false"},
    **{"integer": "a whole number", "number": "a number", "null": "empty"},
}
SCHEMA_TITLE = "Error: values don't meet the specifications of the schema"


def list_known_keys(env: str, path: KeyPath) -> set[str]:
    """Return the keys that there are at a path: those of our schema, and those that the values have."""
    schema = values.read_schema()
    node = schema
    for key in path:
        # The traits of hub.config are known unless the owner has an image or code: see `else` in the schema.
        node = find_value(node, "else", "properties", key) or find_value(node, "properties", key) or {}
        node = find_value(schema, "$defs", str(node.get("$ref", "")).removeprefix("#/$defs/")) or node
    found = find_value(values.read_values(env), *path)
    return {*node.get("properties", {}), *(found if isinstance(found, dict) else ())}


def translate_unknown_keys(env: str, path: KeyPath, keys: list[str]) -> list[str]:
    """Return a message for each key that the schema does not have, with the key that was perhaps meant."""
    lines = []
    for key in keys:
        close = difflib.get_close_matches(key, list_known_keys(env, path) - set(keys), 1)
        meant = f" (did you mean {close[0]}?)" if close else ""
        lines.append(f"{values.find_source(env, (*path, key))}{join_keys((*path, key))}: there is no such key{meant}")
    return lines


def describe_missing_key(env: str, path: KeyPath) -> str:
    """Return the message for a key that the schema requires. Helm drops a key that has no value."""
    if source := values.find_source(env, path):
        return f"{source}{join_keys(path)}: {NO_VALUE}"
    return f"{values.find_source(env, path[:-1])}{join_keys(path)}: it is missing. Add it"


def describe_wrong_kind(env: str, path: KeyPath, found: str, wanted: list[str]) -> str:
    """Return the message for a value of another kind than the schema wants, with the correction."""
    value = find_value(values.read_values(env), *path)
    shown = (
        f" ({str(value).lower() if isinstance(value, bool) else value})" if isinstance(value, str | int | float) else ""
    )
    kinds = " or ".join(KINDS[kind] for kind in wanted if kind != "null")
    if "string" in wanted and found in ("number", "integer", "boolean"):
        hint = "Write it in quotes"
    elif "array" in wanted:
        hint = f"Write `{path[-1]}: [{value if shown else '…'}]`"
    elif "object" in wanted:
        hint = "Write `key: value` lines below it"
    elif "boolean" in wanted:
        hint = "Write true or false, without quotes"
    else:
        hint = "Write digits, without quotes"
    return f"{values.find_source(env, path)}{join_keys(path)}: it is {KINDS[found]}{shown}, and must be {kinds}. {hint}"


def describe_crash(env: str, text: str) -> list[str]:
    """Return a message for each key without a value that a template's error names."""
    words = set(re.findall(r"[\w-]+", text))
    return [
        f"{label(file)}: {join_keys(path)}: {NO_VALUE}"
        for file in values.list_layers(env)[1:]
        for path, value in list_leaves(read_mapping(file))
        if value is None and path[-1] in words
    ]


def translate(env: str, chart_name: str, text: str) -> str:
    """Return what Helm says, without its noise, with the file and the whole key of what a schema rejects.

    A line that is not understood stays as Helm has written it.
    """
    text = WARNING.sub("", LONG_WARNING.sub("", NOISE.sub("", text.strip()))).replace(DEBUG_HINT, "").strip()
    lines = describe_crash(env, text) if any(words in text for words in CRASH) else []
    if lines:
        return "\n".join(lines)
    prefix: KeyPath = ()
    for line in text.splitlines():
        if line in (f"{chart_name}:", "jupyterhub:"):
            prefix = ("jupyterhub",) if line == "jupyterhub:" else ()
        elif re.fullmatch(r" *- at '.*?': (validation|'\w+') failed", line):
            # The lines below it, which are indented, say what is wrong.
            continue
        elif found := re.fullmatch(r" *- at '(.*?)': (.*)", line):
            keys = [key.replace("~1", "/").replace("~0", "~") for key in found[1].split("/")[1:]]
            path: KeyPath = (*prefix, *(int(key) if key.isdecimal() else key for key in keys))
            if unknown := re.fullmatch(r"additional properties (.*) not allowed", found[2]):
                lines += translate_unknown_keys(env, path, re.findall(r"'(.*?)'(?:, |$)", unknown[1]))
            elif missing := re.fullmatch(r"missing (?:property|properties) (.*)", found[2]):
                lines += [describe_missing_key(env, (*path, key)) for key in re.findall(r"'(.*?)'", missing[1])]
            elif found[2].startswith("got null, want "):
                lines.append(describe_missing_key(env, path))
            elif kinds := re.fullmatch(r"got (\w+), want (.*)", found[2]):
                lines.append(describe_wrong_kind(env, path, kinds[1], kinds[2].split(" or ")))
            else:
                source = values.find_source(env, path) if path else ""
                lines.append(f"{source}{join_keys(path) or 'the values'}: {found[2]}")
        elif line and not line.startswith(SCHEMA_TITLE):
            lines.append(line)
    return "\n".join(dict.fromkeys(lines))


def translate_warnings(env: str, text: str) -> list[str]:
    """Return what Helm warns of. A value that replaces an empty map of the chart loses nothing."""
    messages = []
    for warning in WARNING.findall(text):
        if not (found := REPLACED.fullmatch(warning)):
            messages.append(warning)
        elif found[2]:
            path = tuple(found[1].split("."))
            messages.append(
                f"{values.find_source(env, path)}{found[1]}: the chart's own entries are lost ({found[2]:.100}), "
                f"because this value is not a map. Write a map, `{path[-1]}: {{NAME: …}}`, which is added to them."
            )
    return list(dict.fromkeys(messages))
