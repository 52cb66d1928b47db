"""docker, podman or buildah: which one builds here, and what it builds, tests and pushes."""

import json
import os
import platform
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import yaml

from deployer import chart
from deployer.errors import UserError
from deployer.image import pushed
from deployer.image.reference import extract_files, find_reference, list_platforms
from deployer.process import find_tool, read_output, run

ENGINES = ("docker", "podman", "buildah")
MACHINES = {"x86_64": "linux/amd64", "amd64": "linux/amd64", "aarch64": "linux/arm64", "arm64": "linux/arm64"}
HERE = MACHINES.get(platform.machine().lower())
# Leaves nothing in Docker's store.
CACHE_ONLY = ("--output", "type=cacheonly")


def find_last_line(text: str) -> str:
    """Return the last line of what a program says, where the reason is, without what docker and skopeo add."""
    line = (text.strip().splitlines() or ["it gives no reason"])[-1]
    line = re.sub(r'^time=\S+ level=\w+ msg="(.*)"$', r"\1", line).replace('\\"', '"')
    return re.sub(r'^(ERROR: |Error: |Error parsing image name "[^"]*": )', "", line)


def explain_unusable(name: str) -> str:
    """Return why an engine cannot build here; an empty text if it can."""
    if not shutil.which(name):
        return "is not installed"
    # The program may be there without the daemon, or the virtual machine, that does its work.
    info = run(name, "info")
    if info.returncode:
        return f"does not run ({find_last_line(info.stderr)})"
    if name == "docker" and run("docker", "buildx", "inspect").returncode:
        return "has no buildx, with which it builds (https://docs.docker.com/go/buildx/)"
    return ""


@cache
def choose_engine() -> str:
    """Return docker, podman or buildah: the one that $CONTAINER names, else the first that can build."""
    wanted = os.environ.get("CONTAINER")
    if wanted and wanted not in ENGINES:
        raise UserError(f"CONTAINER: '{wanted}' is not one of {', '.join(ENGINES)}. Write one of them, or unset it")
    reasons = []
    for name in [wanted] if wanted else ENGINES:
        reason = explain_unusable(name)
        if not reason:
            return name
        reasons.append(f"{name} {reason}")
    raise UserError(f"no engine to build with: {'; '.join(reasons)}. Fix one of them, or let the pipeline build")


def run_visibly(*command: str | Path, hint: str = "") -> None:
    """Run a program whose output people see. Raises UserError when it fails."""
    if subprocess.run(command).returncode:
        raise UserError(f"`{' '.join(map(str, command[:3]))}` failed and says above why{hint}")


def build_stage(target: str, platforms: list[str], *arguments: str) -> None:
    """Build one stage of the Dockerfile for platforms."""
    engine = choose_engine()
    # Without --force-rm buildah keeps the container of a failed step, such as the tests, and its mount.
    command = ["docker", "buildx", "build"] if engine == "docker" else [engine, "build", "--layers", "--force-rm"]
    foreign = ", ".join(one for one in platforms if one != HERE)
    needs = f"; an 'exec format error' there means that {foreign} needs an emulator here (Debian: qemu-user-static)"
    arguments = ("--target", target, "--platform", ",".join(platforms), *arguments)
    with extract_files() as folder:
        run_visibly(*command, *arguments, folder, hint=needs if foreign else "")


def build() -> None:
    """Build the image for all platforms, under its tag."""
    platforms = list_platforms()
    if len(platforms) == 1:
        load = ["--load"] if choose_engine() == "docker" else []
        build_stage("course", platforms, *load, "--tag", find_reference())
    elif choose_engine() == "docker":
        # Docker's own store may not hold several platforms: they are pushed from the builder's cache.
        build_stage("course", platforms, *CACHE_ONLY)
    else:
        # A list that is there already would keep its old entries; an image of one platform would be in its way.
        for forget in (["manifest", "rm"], ["rmi"]):
            run(choose_engine(), *forget, find_reference())
        build_stage("course", platforms, "--manifest", find_reference())


def test() -> None:
    """Run image/tests inside the image; where there are two platforms, on that of this machine."""
    metadata = yaml.safe_load(read_output(find_tool("helm"), "show", "chart", chart.find_packaged_chart()))
    platforms = list_platforms()
    arguments = ["--build-arg", f"HUB_VERSION={metadata['appVersion']}"]
    output = CACHE_ONLY if choose_engine() == "docker" else ()
    build_stage("test", [HERE] if HERE in platforms else platforms[:1], *arguments, *output)


def push() -> None:
    """Push the image for all platforms, and note the digest that it has in the registry."""
    engine, reference, several = choose_engine(), find_reference(), len(list_platforms()) > 1
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, "told")
        if engine == "docker" and several:
            build_stage("course", list_platforms(), "--tag", reference, "--push", f"--metadata-file={told}")
            digest = json.loads(told.read_text(encoding="utf-8"))["containerimage.digest"]
        elif engine == "docker":
            run_visibly("docker", "push", reference)
            listed = json.loads(read_output("docker", "image", "inspect", "--format={{json .RepoDigests}}", reference))
            repository = reference.rpartition(":")[0]
            digest = next(one.partition("@")[2] for one in listed if one.partition("@")[0] == repository)
        elif several:
            push_all = ("manifest", "push", "--all", f"--digestfile={told}", reference, f"docker://{reference}")
            run_visibly(engine, *push_all)
            digest = told.read_text(encoding="utf-8").strip()
        else:
            run_visibly(engine, "push", f"--digestfile={told}", reference)
            digest = told.read_text(encoding="utf-8").strip()
    pushed.add(reference, digest)
