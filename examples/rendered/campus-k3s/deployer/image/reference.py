"""The image that image/ makes: its reference, its platforms, and the files that it is built from."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from deployer import git, values
from deployer.errors import UserError
from deployer.paths import IMAGE
from deployer.yaml_files import find_value


@cache
def find_reference() -> str:
    """Return the image with its tag, as it was when the command began."""
    return values.describe_image()


def find_registry() -> str:
    """Return the registry of the image."""
    return find_reference().split("/")[0]


@cache
def list_platforms() -> list[str]:
    """Return what the nodes are, by the node selector of the students' servers: both, where it does not say."""
    selector = find_value(values.read_values("prod"), "jupyterhub", "singleuser", "nodeSelector") or {}
    architecture = selector.get("kubernetes.io/arch")
    return [f"linux/{architecture}"] if architecture else ["linux/amd64", "linux/arm64"]


@contextmanager
def extract_files() -> Iterator[Path]:
    """Yield a folder with the files that the tag is the hash of, and no others."""
    with tempfile.TemporaryDirectory() as folder:
        if git.extract_tree(IMAGE.name, Path(folder)) != find_reference().rpartition(":")[2]:
            raise UserError("image/ has changed while it was built: run the same command again")
        yield Path(folder)
