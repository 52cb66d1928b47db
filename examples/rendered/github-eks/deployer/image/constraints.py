"""The packages of the base image, which the lock must not change: image/constraints.txt."""

import re

from packaging.requirements import InvalidRequirement, Requirement

from deployer.errors import CommandFailedError, UserError
from deployer.image.engine import choose_engine, find_last_line
from deployer.paths import IMAGE, label
from deployer.process import read_output, run
from deployer.yaml_files import read_text

CONSTRAINTS = IMAGE / "constraints.txt"
LIST_PACKAGES = ("python3", "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check")


def read_base() -> str:
    """Return the image after the first FROM of image/Dockerfile."""
    found = re.search(r"^FROM\s+(\S+)", read_text(IMAGE / "Dockerfile"), re.MULTILINE)
    if not found:
        raise UserError("image/Dockerfile: there is no FROM. `git checkout -- image/Dockerfile` brings it back")
    return found[1]


def list_packages(base: str) -> str:
    """Return what pip lists inside an image, pulled if need be. Raises UserError where it cannot be run."""
    engine = choose_engine()
    try:
        if engine != "buildah":
            return read_output(engine, "run", "--rm", "--entrypoint", LIST_PACKAGES[0], base, *LIST_PACKAGES[1:])
        container = read_output("buildah", "from", base).strip()
        try:
            return read_output("buildah", "run", container, "--", *LIST_PACKAGES)
        finally:
            run("buildah", "rm", container)
    except CommandFailedError as error:
        raise UserError(
            f"image/Dockerfile: the packages of {base} cannot be listed with {engine}: {find_last_line(error.stderr)}"
        ) from error


def write_constraints() -> int:
    """Write the exact version of each package that the base has. Returns their number."""
    base = read_base()
    lines = []
    for line in list_packages(base).splitlines():
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue  # A package that was installed from a folder has no version that an index knows.
        lines.append(str(requirement))
    header = f"# The packages of {base}, which image/requirements.lock keeps. Written by `make image-constraints`.\n"
    CONSTRAINTS.write_text(header + "".join(f"{line}\n" for line in sorted(lines, key=str.lower)), encoding="utf-8")
    return len(lines)


def explain_missing() -> str:
    """Return what a lock without constraints means; an empty text where the constraints are those of the base."""
    if not CONSTRAINTS.is_file():
        return (
            f"{label(CONSTRAINTS)} is missing: packages of the base may get another version. With docker, podman or "
            "buildah, run `make image-constraints`, then `make image-lock` again"
        )
    if read_base() not in read_text(CONSTRAINTS).splitlines()[0]:
        return (
            f"{label(CONSTRAINTS)} is that of another base: run `make image-constraints`, then `make image-lock` again"
        )
    return ""
