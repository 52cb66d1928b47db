"""Whether the registry has the image already."""

import hashlib
import json
import os
import re
import shutil
from pathlib import Path

from deployer.errors import CommandFailedError, UserError
from deployer.image import pushed
from deployer.image.engine import choose_engine, find_last_line
from deployer.image.reference import find_reference, find_registry, list_platforms
from deployer.process import read_output, run

# How registries say, through docker and skopeo, that there is no such image, and that they do not tell everybody.
# Neither program has exit statuses for the two.
ABSENT = re.compile(r"(manifest|name) unknown|not found\W*$|\b404\b", re.IGNORECASE)
DENIED = re.compile(r"denied|unauthorized|forbidden|authentication required|\b40[13]\b", re.IGNORECASE)


def read_published() -> tuple[str, set[str]]:
    """Return the digest and the platforms of the image in the registry. Raises CommandFailedError with its answer."""
    # Not `docker manifest`, which sees no registry without TLS, nor podman's and buildah's, which see only lists.
    if choose_engine() == "docker":
        look = ["docker", "buildx", "imagetools", "inspect", find_reference()]
        raw, config = [*look, "--raw"], [*look, "--format", "{{json .Image}}"]
    else:
        look = ["skopeo", "inspect", f"docker://{find_reference()}"]
        raw, config = [*look, "--raw"], [*look, "--config"]
    manifest = read_output(*raw)
    index = json.loads(manifest)
    if "manifests" in index:
        found = [item["platform"] for item in index["manifests"] if "platform" in item]
    else:
        found = [json.loads(read_output(*config))]
    digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    return digest, {f"{item['os']}/{item['architecture']}" for item in found}


def is_logged_in() -> bool:
    """Return whether the engine has an account for the image's registry."""
    if choose_engine() != "docker":
        return run(choose_engine(), "login", "--get-login", find_registry()).returncode == 0
    file = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"
    config = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    # `docker login` notes the registry there also where a helper keeps the password.
    key = {"docker.io": "https://index.docker.io/v1/"}.get(find_registry(), find_registry())
    return key in {**config.get("auths", {}), **config.get("credHelpers", {})}


def explain_missing(pushing: bool) -> str:
    """Return why the image has to be built, for people; an empty text where the registry has it for all platforms.

    Raises UserError where the registry does not answer and the image is to be pushed: it could not be.
    """
    if choose_engine() != "docker" and not shutil.which("skopeo"):
        return f"skopeo is not installed to ask the registry for {find_reference()}: building it"
    try:
        digest, published = read_published()
    except CommandFailedError as error:
        answer = find_last_line(error.stderr)
        if ABSENT.search(answer):
            return f"{find_reference()} is not in the registry yet: building it"
        sentence = f"the registry does not say whether it has {find_reference()} ({answer})"
        if pushing and not DENIED.search(answer):
            raise UserError(f"{sentence}: nothing is built that could not be pushed") from error
        # Some registries deny a repository into which nothing was pushed yet, also to those who may push.
        if pushing and not is_logged_in():
            raise UserError(
                f"{sentence}: run `{choose_engine()} login {find_registry()}` with an account that may push"
            ) from error
        return f"{sentence}: building it"
    if pushing and digest != pushed.read_digest(find_reference()):
        return f"{find_reference()} is in the registry, but this pipeline did not push it: building it again"
    if missing := set(list_platforms()) - published:
        return f"{find_reference()} is in the registry, but not for {', '.join(sorted(missing))}: building it"
    return ""
