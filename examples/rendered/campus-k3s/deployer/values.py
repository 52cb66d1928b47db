"""The values of an environment: the layers, merged as Helm merges them.

The layers are chart/values.yaml, config/hub.yaml and config/<env>.yaml. Secrets are a layer over these, which only
Helm sees (see chart.py).
"""

import functools
import json
from pathlib import Path

from deployer import git
from deployer.errors import UserError
from deployer.paths import CHART, CHART_VALUES, CONFIG, IMAGE, label
from deployer.yaml_files import KeyPath, YamlMapping, find_value, has_value, read_mapping, read_text

# Public images, on which others are built.
DOCKER_STACKS = ("quay.io/jupyter/", "docker.io/jupyter/", "jupyter/")
IMAGE_KEYS = ("jupyterhub", "singleuser", "image")


@functools.cache
def read_schema() -> YamlMapping:
    """Return the schema of the values."""
    schema: YamlMapping = json.loads(read_text(CHART / "values.schema.json"))
    return schema


def list_layers(env: str) -> list[Path]:
    """Return the values files of an environment in Helm's order: a later one wins."""
    layers = [CHART_VALUES, CONFIG / "hub.yaml", CONFIG / f"{env}.yaml"]
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


def read_values(env: str) -> YamlMapping:
    """Return the values of an environment without its secrets, as Helm sees them."""
    merged: YamlMapping = {}
    for layer in list_layers(env):
        merged = merge(merged, read_mapping(layer))
    if tag := find_image_tag(env):
        merged = merge(merged, {"jupyterhub": {"singleuser": {"image": {"tag": tag}}}})
    return merged


def find_source(env: str, path: KeyPath) -> str:
    """Return the file that sets a value, followed by a colon; an empty text if none does."""
    for file in reversed(list_layers(env)):
        if has_value(read_mapping(file), *path):
            return f"{label(file)}: "
    return ""


def describe_image(env: str = "prod") -> str:
    """Return the image that the students of an environment get, as Kubernetes pulls it."""
    image = find_value(read_values(env), *IMAGE_KEYS) or {}
    return f"{image.get('name')}:{image.get('tag')}"
