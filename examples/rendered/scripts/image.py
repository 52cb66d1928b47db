"""Build, test and push the image of image/ with docker, podman or buildah. Its tag is the git tree hash of image/."""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
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
HERE = MACHINES.get(platform.machine().lower())
# Leaves nothing in Docker's store.
CACHE_ONLY = ("--output", "type=cacheonly")
# How registries say, through docker and skopeo, that there is no such image, and that they do not tell everybody.
ABSENT = re.compile(r"(manifest|name) unknown|not found\W*$|\b404\b", re.IGNORECASE)
REFUSED = re.compile(r"denied|unauthorized|forbidden|authentication required|\b40[13]\b", re.IGNORECASE)


@cache
def reference() -> str:
    """The image with its tag, as it was when the command began."""
    return hub.image()


@cache
def platforms() -> list[str]:
    """What the nodes are, by the node selector of the students' servers: both, where it does not say."""
    selector = hub.values("prod")["jupyterhub"]["singleuser"].get("nodeSelector") or {}
    arch = selector.get("kubernetes.io/arch")
    return [f"linux/{arch}"] if arch else ["linux/amd64", "linux/arm64"]


def unusable(name: str) -> str:
    """Why an engine cannot build here, in words; empty if it can."""
    if not shutil.which(name):
        return "is not there"
    # The command may be there without the daemon, or the virtual machine, that does its work.
    info = subprocess.run([name, "info"], capture_output=True, text=True)
    if info.returncode:
        return f"does not run ({last_line(info.stderr)})"
    if name == "docker" and subprocess.run(["docker", "buildx", "inspect"], capture_output=True).returncode:
        return "has no buildx, with which it builds (https://docs.docker.com/go/buildx/)"
    return ""


@cache
def engine() -> str:
    """docker, podman or buildah: the one that $CONTAINER names, else the first that can build."""
    wanted = os.environ.get("CONTAINER")
    if wanted and wanted not in ENGINES:
        hub.stop(f"CONTAINER is '{wanted}': it must be one of {', '.join(ENGINES)}")
    reasons = []
    for name in [wanted] if wanted else ENGINES:
        reason = unusable(name)
        if not reason:
            return name
        reasons.append(f"{name} {reason}")
    hub.stop(f"no engine to build with: {'; '.join(reasons)}. Mend one of them, or let the pipeline build")


def last_line(text: str) -> str:
    """The last line of what a command says, where the reason is, without what docker and skopeo write around it."""
    line = (text.strip().splitlines() or ["no reason given"])[-1]
    line = re.sub(r'^time=\S+ level=\w+ msg="(.*)"$', r"\1", line).replace('\\"', '"')
    return re.sub(r'^(ERROR: |Error: |Error parsing image name "[^"]*": )', "", line)


def run(*command: str | Path, hint: str = "") -> None:
    """Run a command that says what it does; stop when it fails."""
    if subprocess.run(command).returncode:
        hub.stop(f"`{' '.join(map(str, command[:3]))}` failed and says above why{hint}")


def published() -> set[str]:
    """The platforms for which the registry has the image. Raises CalledProcessError with the registry's answer."""
    # Not `docker manifest`, which sees no registry without TLS, nor podman's and buildah's, which see only lists.
    if engine() == "docker":
        look = ["docker", "buildx", "imagetools", "inspect", reference()]
        raw, config = [*look, "--raw"], [*look, "--format", "{{json .Image}}"]
    else:
        look = ["skopeo", "inspect", f"docker://{reference()}"]
        raw, config = [*look, "--raw"], [*look, "--config"]
    index = json.loads(hub.output(*raw))
    if "manifests" in index:
        found = [one["platform"] for one in index["manifests"] if "platform" in one]
    else:
        found = [json.loads(hub.output(*config))]
    return {f"{one['os']}/{one['architecture']}" for one in found}


def logged_in() -> bool:
    """Whether the engine knows somebody for the image's registry."""
    registry = reference().split("/")[0]
    if engine() != "docker":
        return not subprocess.run([engine(), "login", "--get-login", registry], capture_output=True).returncode
    file = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"
    config = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    # `docker login` notes the registry there also where a helper keeps the password.
    key = {"docker.io": "https://index.docker.io/v1/"}.get(registry, registry)
    return key in {**config.get("auths", {}), **config.get("credHelpers", {})}


def exists(pushing: bool) -> bool:
    """Whether the registry has the image for all platforms. What was pushed was tested, so then nothing is left to do.

    Where the registry does not tell, there is no use in building what is to be pushed into it; other builds go on.
    """
    if engine() != "docker" and not shutil.which("skopeo"):
        print(
            f"nobody looks whether the registry has {reference()}, for there is no skopeo: building it", file=sys.stderr
        )
        return False
    try:
        found = published()
    except subprocess.CalledProcessError as error:
        answer = last_line(error.stderr)
        if ABSENT.search(answer):
            return False
        sentence = f"the registry does not say whether it has {reference()} ({answer})"
        if not REFUSED.search(answer):
            if pushing:
                hub.stop(f"{sentence}: nothing is built that could not be pushed")
        # Some registries refuse to talk of a repository into which nothing was pushed yet, also to those who may push.
        elif pushing and not logged_in():
            hub.stop(f"{sentence}: run `{engine()} login {reference().split('/')[0]}` as somebody who may push")
        print(f"{sentence}: building it", file=sys.stderr)
        return False
    if missing := set(platforms()) - found:
        print(
            f"{reference()} is in the registry, but not for {', '.join(sorted(missing))}: building it", file=sys.stderr
        )
        return False
    print(f"{reference()} is in the registry, nothing to do")
    return True


@contextmanager
def context() -> Iterator[Path]:
    """A folder with the files that the tag is the hash of, and no others."""
    with tempfile.TemporaryDirectory() as folder:
        if tree.extract(hub.ROOT, hub.IMAGE.name, Path(folder)) != reference().rpartition(":")[2]:
            hub.stop("image/ has changed while it was built: run the same again")
        yield Path(folder)


def build(target: str, wanted: list[str], *arguments: str) -> None:
    """Build one stage of the Dockerfile for the wanted platforms."""
    name = engine()
    command = ["docker", "buildx", "build"] if name == "docker" else [name, "build", "--layers"]
    foreign = ", ".join(one for one in wanted if one != HERE)
    needs = f"; an 'exec format error' there means that {foreign} needs an emulator here (Debian: qemu-user-static)"
    arguments = ("--target", target, "--platform", ",".join(wanted), *arguments)
    with context() as folder:
        run(*command, *arguments, folder, hint=needs if foreign else "")


def make() -> None:
    """Build the image for all platforms, under its tag."""
    wanted = platforms()
    if len(wanted) == 1:
        build("course", wanted, *(["--load"] if engine() == "docker" else []), "--tag", reference())
    elif engine() == "docker":
        # Docker's own store may not hold several platforms: they are pushed from the builder's cache.
        build("course", wanted, *CACHE_ONLY)
    else:
        # A list that is there already would keep its old entries; an image of one platform would be in its way.
        for forget in (["manifest", "rm"], ["rmi"]):
            subprocess.run([engine(), *forget, reference()], capture_output=True)
        build("course", wanted, "--manifest", reference())


def test() -> None:
    """Run image/tests inside the image; where there are two platforms, on that of this machine."""
    chart = yaml.safe_load(hub.output(hub.tool("helm"), "show", "chart", hub.packaged_chart()))
    wanted = platforms()
    arguments = ["--build-arg", f"HUB_VERSION={chart['appVersion']}"]
    build("test", [HERE] if HERE in wanted else wanted[:1], *arguments, *(CACHE_ONLY if engine() == "docker" else []))


def push() -> None:
    """Push the image for all platforms."""
    several = len(platforms()) > 1
    if several and engine() == "docker":
        build("course", platforms(), "--tag", reference(), "--push")
    elif several:
        run(engine(), "manifest", "push", "--all", reference(), f"docker://{reference()}")
    else:
        run(engine(), "push", reference())


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
    steps = {"build": make, "test": test, "push": push}
    others = {"tag": lambda: print(reference()), "lock": lock, "check-lock": check_lock}
    parser.add_argument("action", choices=[*steps, *others])
    action = parser.parse_args().action
    if action in others:
        others[action]()
    elif not exists(pushing=action == "push"):
        for name, step in steps.items():
            step()
            if name == action:
                break


if __name__ == "__main__":
    main()
