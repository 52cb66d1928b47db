"""The schemas of Kubernetes: what is wrong with an object for a version."""

import functools

import kubernetes_validate  # type: ignore[import-untyped]

from deployer.yaml_files import YamlMapping

# The chart requires 1.28; Kubernetes supports its newest three; clouds are a year or so behind.
KUBERNETES = ("1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37")
# The package would list its folders, and read its 1.5 MB of schemas, again for each object.
kubernetes_validate.utils.schema_contents = functools.cache(kubernetes_validate.utils.schema_contents)
kubernetes_validate.utils.all_versions = functools.cache(kubernetes_validate.utils.all_versions)


class NoSchemaError(Exception):
    """There is no schema for this kind of object."""


def find_mistake(item: YamlMapping, version: str) -> str:
    """Return what is wrong with an object for a version of Kubernetes; empty if nothing is. Raises NoSchemaError."""
    try:
        kubernetes_validate.validate(item, version, strict=True)
    except kubernetes_validate.SchemaNotFoundError as error:
        raise NoSchemaError from error
    except kubernetes_validate.ValidationError as error:
        key = ".".join(str(part) for part in error.path)
        return f"{key} is not valid for Kubernetes {version}: {error.message}"
    return ""
