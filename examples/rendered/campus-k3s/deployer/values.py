"""The values of an environment: the layers, merged as Helm merges them.

The layers are chart/values.yaml, config/hub.yaml and config/<env>.yaml. Secrets are a layer over these, which only
Helm sees (see chart.py).
"""

import functools
import json
from pathlib import Path

from deployer import git
from deployer.errors import UserError
from deployer.paths import CHART, CHART_VALUES, CONFIG, ENVIRONMENTS, FAKE_SECRETS, IMAGE, TRIAL, TRIAL_VALUES, label
from deployer.yaml_files import (
    KeyPath,
    YamlMapping,
    find_blank_keys,
    find_value,
    has_value,
    join_keys,
    list_leaves,
    read_mapping,
    read_text,
)

# Public images, on which others are built.
DOCKER_STACKS = ("quay.io/jupyter/", "docker.io/jupyter/", "jupyter/")
IMAGE_KEYS = ("jupyterhub", "singleuser", "image")
# Below jupyterhub: the names that people type, of each way of TLS.
HOST_KEYS = (("proxy", "https", "hosts"), ("ingress", "hosts"), ("httpRoute", "hostnames"))


@functools.cache
def read_schema() -> YamlMapping:
    """Return the schema of the values."""
    schema: YamlMapping = json.loads(read_text(CHART / "values.schema.json"))
    return schema


def list_layers(env: str) -> list[Path]:
    """Return the values files of an environment in Helm's order: a later one wins."""
    layers = [CHART_VALUES, CONFIG / "hub.yaml", CONFIG / f"{env}.yaml"]
    if env == TRIAL:
        layers[2:] = [CONFIG / f"{ENVIRONMENTS[0]}.yaml", TRIAL_VALUES]
    *_, found = [read_mapping(layer).get("environment") for layer in layers]
    if found != env:
        raise UserError(f"config/{env}.yaml: environment is {found or 'missing'}; write `environment: {env}`")
    return layers


def find_image_tag(env: str) -> str:
    """Return the tag of the image that image/ makes: the hash of its content. Empty where there is no image/."""
    if not IMAGE.is_dir():
        return ""
    for path in list_layers(env):
        image = find_value(read_mapping(path), *IMAGE_KEYS) or {}
        if tag := image.get("tag"):
            raise UserError(
                f"{label(path)}: jupyterhub.singleuser.image.tag is '{tag}', but the content of image/ decides it "
                "(`make image-tag` prints it). Set it to ''"
            )
        if str(image.get("name")).startswith(DOCKER_STACKS):
            raise UserError(
                f"{label(path)}: jupyterhub.singleuser.image.name is '{image['name']}', where you cannot push the "
                "image of image/. Keep the name of your own image, and change its base, FROM in image/Dockerfile"
            )
    return git.hash_tree(IMAGE.name)


def list_helm_arguments(env: str, digest: str = "") -> list[str]:
    """Return the layers of an environment over chart/values.yaml, and the image's digest, as arguments of Helm."""
    if messages := list_emptied_mappings(env):
        raise UserError("\n".join(messages))
    files = [argument for layer in list_layers(env)[1:] for argument in ("--values", label(layer))]
    tag = find_image_tag(env)
    tag = f"{tag}@{digest}" if tag and digest else tag
    return [*files, "--set-string", f"jupyterhub.singleuser.image.tag={tag}"] if tag else files


def merge(base: YamlMapping, over: YamlMapping) -> YamlMapping:
    """Merge two layers as Helm does: mappings key by key, null removes, anything else replaces."""
    merged = dict(base)
    for key, value in over.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def stack(base: YamlMapping, over: YamlMapping) -> YamlMapping:
    """Merge two values files as Helm does, before the chart's own: like `merge`, but null is kept, and replaces."""
    both = {
        key: stack(base[key], value)
        for key, value in over.items()
        if isinstance(value, dict) and isinstance(base.get(key), dict)
    }
    return {**base, **over, **both}


def drop_filled_nulls(given: YamlMapping, secrets: YamlMapping) -> YamlMapping:
    """Leave out each null where the secrets, a later layer, have a mapping: nothing is removed there."""
    kept = {}
    for key, value in given.items():
        over = secrets.get(key)
        if not isinstance(over, dict):
            kept[key] = value
        elif value is not None:
            kept[key] = drop_filled_nulls(value, over) if isinstance(value, dict) else value
    return kept


def read_given_values(env: str) -> YamlMapping:
    """Return the values of an environment over those of the chart, without its secrets. A null removes a value."""
    given: YamlMapping = {}
    for layer in list_layers(env)[1:]:
        given = stack(given, read_mapping(layer))
    return drop_filled_nulls(given, read_mapping(FAKE_SECRETS))


def read_values(env: str) -> YamlMapping:
    """Return the values of an environment without its secrets, as Helm sees them."""
    merged = merge(read_mapping(CHART_VALUES), read_given_values(env))
    if tag := find_image_tag(env):
        merged = merge(merged, {"jupyterhub": {"singleuser": {"image": {"tag": tag}}}})
    return merged


def list_emptied_mappings(env: str) -> list[str]:
    """Return a message for each key with nothing behind it, where Helm would remove the mapping of a layer below."""
    removed: dict[KeyPath, tuple[str, object]] = {}
    below: YamlMapping = {}
    for layer in list_layers(env)[1:]:
        found = read_mapping(layer)
        for path in find_blank_keys(read_text(layer)):
            removed[path] = (label(layer), find_value(below, *path))
        below = stack(below, found)
    own = read_mapping(CHART_VALUES)
    for path, value in list_leaves(read_given_values(env)):
        if value is None and path in removed and not removed[path][1]:
            removed[path] = (removed[path][0], find_value(own, *path))
    return [
        f"{file}: {join_keys(path)}: the key has no value, so Helm would remove {', '.join(map(str, lost))}. "
        "Remove the line, or write below it what differs; write null to remove them"
        for path, (file, lost) in removed.items()
        if lost and isinstance(lost, dict)
    ]


def find_source(env: str, path: KeyPath) -> str:
    """Return the file that sets a value, followed by a colon; an empty text if none does."""
    for file in reversed(list_layers(env)):
        if has_value(read_mapping(file), *path):
            return f"{label(file)}: "
    return ""


def list_hosts(found: YamlMapping, used: bool = False) -> list[str]:
    """Return the host names that people type, of all ways of TLS that have some, or of those that are turned on."""
    places = [path for path in HOST_KEYS if not used or find_value(found, "jupyterhub", *path[:-1], "enabled")]
    return [str(host) for path in places for host in find_value(found, "jupyterhub", *path) or []]


def describe_image(env: str = "prod") -> str:
    """Return the image that the students of an environment get, as Kubernetes pulls it."""
    image = find_value(read_values(env), *IMAGE_KEYS) or {}
    return f"{image.get('name')}:{image.get('tag')}"
