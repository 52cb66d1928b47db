"""Build, test and push the image of image/ with docker, podman or buildah. Its tag is the git tree hash of image/."""

import argparse
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

import hub
import tree

REQUIREMENTS = "image/requirements.txt"
LOCK = "image/requirements.lock"
ENGINES = ("docker", "podman", "buildah")
MACHINES = {"x86_64": "linux/amd64", "amd64": "linux/amd64", "aarch64": "linux/arm64", "arm64": "linux/arm64"}


def platforms() -> list[str]:
    """What the nodes are, by the node selector of the students' servers: both, where it does not say."""
    selector = hub.values("prod")["jupyterhub"]["singleuser"].get("nodeSelector") or {}
    arch = selector.get("kubernetes.io/arch")
    return [f"linux/{arch}"] if arch else ["linux/amd64", "linux/arm64"]


def engine() -> str:
    """docker, podman or buildah: the one that $CONTAINER names, else the first that is there."""
    wanted = os.environ.get("CONTAINER")
    if wanted and wanted not in ENGINES:
        hub.stop(f"CONTAINER is '{wanted}': it must be one of {', '.join(ENGINES)}")
    for name in [wanted] if wanted else ENGINES:
        if shutil.which(name):
            return name
    hub.stop(f"{wanted or 'none of docker, podman and buildah'} is there: install it, or let the pipeline build")


def run(*command: str | Path) -> None:
    """Run a command that says what it does; stop when it fails."""
    if subprocess.run(command).returncode:
        hub.stop(f"`{' '.join(map(str, command[:3]))}` failed and says above why")


def exists() -> bool:
    """Whether the registry has the image. What was pushed was tested, so then nothing is left to do.

    A registry that does not answer means no: a build too many does no harm.
    """
    inspect = ["docker", "manifest", "inspect", hub.image()]
    if engine() != "docker":
        # podman and buildah only look up lists of several platforms in a registry.
        inspect = ["skopeo", "inspect", "--raw", f"docker://{hub.image()}"]
    there = bool(shutil.which(inspect[0])) and not subprocess.run(inspect, capture_output=True).returncode
    if there:
        print(f"{hub.image()} is in the registry, nothing to do")
    return there


@contextmanager
def context() -> Iterator[Path]:
    """A folder with the files that the tag is the hash of, and no others."""
    with tempfile.TemporaryDirectory() as folder:
        tree.extract(hub.ROOT, hub.IMAGE.name, Path(folder))
        yield Path(folder)


def build(target: str, wanted: list[str], *arguments: str) -> None:
    """Build one stage of the Dockerfile for the wanted platforms."""
    name = engine()
    command = ["docker", "buildx", "build"] if name == "docker" else [name, "build", "--layers"]
    with context() as folder:
        run(*command, "--target", target, "--platform", ",".join(wanted), *arguments, folder)


def make() -> None:
    """Build the image for all platforms, under its tag."""
    wanted = platforms()
    if len(wanted) == 1:
        build("course", wanted, *(["--load"] if engine() == "docker" else []), "--tag", hub.image())
    elif engine() == "docker":
        # It stays in the builder's cache: Docker's own store may not hold several platforms.
        build("course", wanted)
    else:
        # A list that is there already would keep its old entries.
        subprocess.run([engine(), "manifest", "rm", hub.image()], capture_output=True)
        build("course", wanted, "--manifest", hub.image())


def test() -> None:
    """Run image/tests inside the image; where there are two platforms, on that of this machine."""
    chart = yaml.safe_load(hub.output(hub.tool("helm"), "show", "chart", hub.packaged_chart()))
    wanted = platforms()
    here = MACHINES.get(platform.machine().lower())
    build("test", [here] if here in wanted else wanted[:1], "--build-arg", f"HUB_VERSION={chart['appVersion']}")


def push() -> None:
    """Push the image for all platforms."""
    several = len(platforms()) > 1
    if several and engine() == "docker":
        build("course", platforms(), "--tag", hub.image(), "--push")
    elif several:
        run(engine(), "manifest", "push", "--all", hub.image(), f"docker://{hub.image()}")
    else:
        run(engine(), "push", hub.image())


def lock() -> None:
    """Write the exact version and the hashes of every package that requirements.txt leads to, for all platforms."""
    # The oldest Python that a base may have; newer ones are covered.
    command = ["pip", "compile", "--quiet", "--universal", "--generate-hashes", "--python-version", "3.12"]
    hub.output(hub.tool("uv"), *command, REQUIREMENTS, "--output-file", LOCK)


def check_lock() -> None:
    """Stop unless the lock is that of requirements.txt."""
    wanted = {}
    for line in (hub.ROOT / REQUIREMENTS).read_text(encoding="utf-8").splitlines():
        if text := re.sub(r"(^|\s)#.*", "", line).strip():
            try:
                requirement = Requirement(text)
            except InvalidRequirement:
                hub.stop(f"{REQUIREMENTS}: '{text}' is not a package with its version, such as pandas==2.3.3")
            wanted[canonicalize_name(requirement.name)] = requirement.specifier
    pinned = {}
    # Each package of the lock is a line that starts with its name, then its hashes and who wants it, indented.
    for name, version, rest in re.findall(
        r"^([A-Za-z0-9._-]+)==(\S+)(.*(?:\n[ #].*)*)", (hub.ROOT / LOCK).read_text(encoding="utf-8"), re.MULTILINE
    ):
        if f"-r {REQUIREMENTS}" in rest:
            pinned[canonicalize_name(name)] = version
    for name in sorted({*wanted, *pinned}):
        if name not in wanted or name not in pinned or pinned[name] not in wanted[name]:
            hub.stop(f"{LOCK} is not that of {REQUIREMENTS} (look at {name}): run `make image-lock` and commit both")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    actions = {"build": make, "test": test, "push": push}
    others = {"tag": lambda: print(hub.image()), "lock": lock, "check-lock": check_lock}
    parser.add_argument("action", choices=[*actions, *others])
    action = parser.parse_args().action
    if action in others:
        others[action]()
    elif not exists():
        actions[action]()


if __name__ == "__main__":
    main()
