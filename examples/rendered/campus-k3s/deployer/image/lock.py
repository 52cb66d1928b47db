"""The lock of the image's packages: exact versions and hashes of all that image/requirements.txt leads to."""

import re

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from deployer.errors import CommandFailedError, UserError
from deployer.image.constraints import CONSTRAINTS
from deployer.paths import ROOT, label
from deployer.process import find_tool, read_output
from deployer.yaml_files import read_text

REQUIREMENTS = "image/requirements.txt"
LOCK = "image/requirements.lock"
# The oldest Python that a base may have; newer ones are covered.
PYTHON = "3.12"
# A package is a line that starts with its name, then its hashes and what requires it, indented.
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)(.*(?:\n[ #].*)*)", re.MULTILINE)


def write_lock() -> None:
    """Write the lock, for all platforms."""
    command = ["pip", "compile", "--quiet", "--universal", "--generate-hashes", "--python-version", PYTHON]
    if CONSTRAINTS.is_file():
        command += ["--constraint", label(CONSTRAINTS)]
    try:
        read_output(find_tool("uv"), *command, REQUIREMENTS, "--output-file", LOCK)
    except CommandFailedError as error:
        conflict = CONSTRAINTS.is_file() and "unsatisfiable" in error.stderr
        hint = f"\nThe base has other versions ({label(CONSTRAINTS)}): require what it has" if conflict else ""
        raise UserError(f"{LOCK} was not written, and is as it was. uv says:\n{error.stderr}{hint}") from error


def read_requirements() -> dict[str, Requirement]:
    """Return the requirements of the image, by their names."""
    found = {}
    for line in read_text(ROOT / REQUIREMENTS).splitlines():
        if text := re.sub(r"(^|\s)#.*", "", line).strip():
            try:
                requirement = Requirement(text)
            except InvalidRequirement as error:
                raise UserError(
                    f"{REQUIREMENTS}: '{text}' is not a package with its version, such as pandas==2.3.3"
                ) from error
            found[str(canonicalize_name(requirement.name))] = requirement
    return found


def check_lock() -> None:
    """Raise UserError unless the lock is that of requirements.txt."""
    wanted = read_requirements()
    pinned = {
        str(canonicalize_name(name)): version
        for name, version, rest in PINNED.findall(read_text(ROOT / LOCK))
        if f"-r {REQUIREMENTS}" in rest
    }
    for name in sorted({*wanted, *pinned}):
        if name not in wanted or name not in pinned or pinned[name] not in wanted[name].specifier:
            raise UserError(f"{LOCK} is not that of {REQUIREMENTS} (look at {name}): run `make image-lock`")
