#!/usr/bin/env python3
"""Write what the chart knows of the hub image's packages: values.schema.json and two lists in files/.

Classes and traits are those of the packages in the hub image, pinned in tests/requirements.txt. In the schema
only `$defs` are written here, `jupyterhub.hub.config` first; the rest of it is written by hand, and kept.

python tools/write_values_schema.py           write them; after a change of the pinned chart
python tools/write_values_schema.py --check   say whether they are up to date; exit 1 if not
"""

import json
import sys
import textwrap
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import traitlets
from hmacauthenticator import HMACAuthenticator
from jupyter_events import EventLogger
from jupyterhub.app import JupyterHub
from jupyterhub.auth import LocalAuthenticator
from jupyterhub.crypto import CryptKeeper
from jupyterhub.metrics import PeriodicMetricsCollector
from jupyterhub.proxy import ConfigurableHTTPProxy
from kubespawner import KubeSpawner
from kubespawner.reflector import ResourceReflector
from ltiauthenticator import LTIAuthenticator
from ltiauthenticator.lti11.auth import LTI11Authenticator
from ltiauthenticator.lti13.auth import LTI13Authenticator
from traitlets.config import Configurable

CHART = Path(__file__).resolve().parent.parent / "<<cookiecutter.hub_name>>" / "chart"
SCHEMA = CHART / "values.schema.json"
AUTHENTICATORS = CHART / "files" / "authenticators.yaml"
SPAWNER_SETTINGS = CHART / "files" / "spawner_settings.yaml"
# Exactly these classes: a subclass, such as the one of KubeSpawner.mem_limit, may take more than its parent.
TYPES = {
    traitlets.Bool: "boolean",
    traitlets.Dict: "object",
    traitlets.Float: "number",
    traitlets.Int: "integer",
    traitlets.Integer: "integer",
    traitlets.List: "array",
    traitlets.Set: "array",
    traitlets.Unicode: "string",
}
# What a hub pod runs besides its authenticator.
Trait = traitlets.TraitType[Any, Any]
APPLICATION: list[type[Configurable]] = [
    JupyterHub,
    KubeSpawner,
    ResourceReflector,
    ConfigurableHTTPProxy,
    CryptKeeper,
    EventLogger,
    PeriodicMetricsCollector,
]
# Authenticators of the image that have no entry point.
UNNAMED = [HMACAuthenticator, LTIAuthenticator, LTI11Authenticator, LTI13Authenticator]
HEADER = """\
# Written by tools/write_values_schema.py of the template from the packages of the hub image.
# The values of authenticator_class, and the sections of hub.config that each reads.
"""
SPAWNER_HEADER = """\
# Written by tools/write_values_schema.py of the template from the KubeSpawner of the hub image.
# The settings that a profile's kubespawner_override may have.
"""


def authenticators() -> dict[str, type[Configurable]]:
    """What `authenticator_class` may be: a name that JupyterHub knows, or a class with its module.

    Those that want a system account for each user are left out: a hub pod has none.
    """
    named = {entry.name: entry.load() for entry in entry_points(group="jupyterhub.authenticators")}
    for kind in [*named.values(), *UNNAMED]:
        module, name = kind.__module__, kind.__name__
        while module:
            if getattr(sys.modules[module], name, None) is kind:
                named[f"{module}.{name}"] = kind
            module = module.rpartition(".")[0]
    return {name: kind for name, kind in sorted(named.items()) if not issubclass(kind, LocalAuthenticator)}


def sections(kind: type[Configurable]) -> list[type[Configurable]]:
    """The class and its parents, whose sections of `hub.config` it reads, the nearest first."""
    return [parent for parent in kind.mro() if issubclass(parent, Configurable) and parent.class_traits(config=True)]


def own(kind: type[Configurable]) -> dict[str, Trait]:
    """The traits that a class adds to those of its parents, or changes."""
    return {name: trait for name, trait in sorted(kind.class_traits(config=True).items()) if trait.this_class is kind}


def value(trait: Trait) -> object:
    """Return the schema of a trait's value. Helm removes a value that is null; for a list, traitlets takes a string."""
    kind = TYPES.get(type(trait))
    return {"type": [kind, *["string"] * (kind == "array"), "null"]} if kind else True


def hub_config() -> tuple[dict[str, Any], dict[str, Any]]:
    """The schemas of the sections of `hub.config`, and of the traits that each class adds to its parents'."""
    found = {parent for kind in [*APPLICATION, *authenticators().values()] for parent in sections(kind)}
    classes = sorted(found, key=lambda kind: kind.__name__)
    # Helm's message for `unevaluatedProperties` does not name the key, the one for `additionalProperties` does. So each
    # section lists all traits that somebody reads there: a subclass reads its own from its parents' sections, too.
    config = {
        kind.__name__: {
            "type": ["object", "null"],
            "additionalProperties": False,
            "allOf": [{"$ref": f"#/$defs/{parent.__name__}"} for parent in sections(kind) if own(parent)],
            "properties": dict.fromkeys(
                sorted(
                    {name for child in found if issubclass(child, kind) for name in child.class_traits(config=True)}
                ),
                True,
            ),
        }
        for kind in classes
    }
    traits = {
        kind.__name__: {"properties": {name: value(trait) for name, trait in own(kind).items()}}
        for kind in classes
        if own(kind)
    }
    return config, traits


def compact(item: object, indent: str = "", before: int = 0) -> str:
    """JSON in lines of at most 120 characters: what fits stands in one line, a run of `true` is filled."""
    line = json.dumps(item)
    if len(indent) + before + len(line) <= 118 or not isinstance(item, dict | list):
        return line
    inner = indent + "  "
    if isinstance(item, list):
        return "[\n" + ",\n".join(inner + compact(part, inner) for part in item) + f"\n{indent}]"
    if all(part is True for part in item.values()):
        names = textwrap.wrap(json.dumps(item)[1:-1].replace(": ", ":"), 110 - len(inner), break_on_hyphens=False)
        return "{\n" + "\n".join(inner + name.replace(":", ": ") for name in names) + f"\n{indent}}}"
    lines = [f"{inner}{json.dumps(key)}: {compact(part, inner, len(key) + 4)}" for key, part in item.items()]
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"


def files() -> dict[Path, str]:
    """What the files should hold."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    config, traits = hub_config()
    schema["$defs"] = {"hubConfig": {"type": "object", "additionalProperties": False, "properties": config}, **traits}
    lines = [
        f"'{name}': [{', '.join(parent.__name__ for parent in sections(kind))}]\n"
        for name, kind in authenticators().items()
    ]
    settings = sorted({*KubeSpawner.class_trait_names(), *KubeSpawner._deprecated_traits})
    settings = [name for name in settings if not name.startswith("_")]
    return {
        SCHEMA: compact(schema) + "\n",
        AUTHENTICATORS: HEADER + "".join(lines),
        SPAWNER_SETTINGS: SPAWNER_HEADER + "".join(f"- {name}\n" for name in settings),
    }


def main() -> None:
    for path, text in files().items():
        if "--check" not in sys.argv[1:]:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            sys.exit(f"{path.name} is not what the packages say: run `python tools/write_values_schema.py`")


if __name__ == "__main__":
    main()
