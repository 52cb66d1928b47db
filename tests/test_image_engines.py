"""An image of the course's own with real engines: built, tested, pushed into a registry on loopback, not built again.

`make e2e-image`. It needs no cluster. Where quay.io is out of reach, E2E_STAND_IN
names an image to build on instead, as skopeo writes it: `oci-archive:FILE`, or `docker://…` of a list of platforms.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from repositories import run_deployer, run_python

pytestmark = pytest.mark.e2e

ENGINES = ["docker", "podman", "buildah"]
LISTS = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json"
SINGLE = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
# The password of `student`, which is `password`.
HTPASSWD = "student:$2b$04$F.0Q4l6NFCGZisG7/0bzeOrHII8OnN8OfeUKwE5ISN/E/cXsPwCjy\n"


def serve(folder: Path, auth: dict) -> Iterator[str]:
    """A registry with nothing in it; where it listens."""
    program = shutil.which("docker-registry") or pytest.skip("docker-registry is not there: it is a package of Debian")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    storage = {"filesystem": {"rootdirectory": str(folder / "data")}}
    (folder / "config.yml").write_text(
        json.dumps({"version": 0.1, "storage": storage, "auth": auth, "http": {"addr": address}}), encoding="utf-8"
    )
    with (folder / "log").open("w") as log:
        running = subprocess.Popen([program, "serve", folder / "config.yml"], stdout=log, stderr=log)
    end = time.monotonic() + 10
    while socket.socket().connect_ex(("127.0.0.1", int(address.partition(":")[2]))):
        assert time.monotonic() < end, (folder / "log").read_text(encoding="utf-8")
        time.sleep(0.1)
    yield address
    running.terminate()
    running.wait()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry that lets everybody in."""
    yield from serve(tmp_path_factory.mktemp("registry"), {})


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry that wants a login."""
    folder = tmp_path_factory.mktemp("locked")
    (folder / "htpasswd").write_text(HTPASSWD, encoding="utf-8")
    yield from serve(folder, {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}})


@pytest.fixture(scope="module")
def home(registry: str, locked: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A home in which podman, buildah and skopeo know that these registries have no TLS."""
    folder = tmp_path_factory.mktemp("home")
    (folder / ".config" / "containers").mkdir(parents=True)
    (folder / ".config" / "containers" / "registries.conf").write_text(
        "".join(f'[[registry]]\nlocation = "{address}"\ninsecure = true\n' for address in (registry, locked)),
        encoding="utf-8",
    )
    return str(folder)


@pytest.fixture(scope="module")
def base(registry: str, home: str) -> str:
    """The answer to image_base: the template's own default, or the stand-in, by its digest in the registry."""
    source = os.environ.get("E2E_STAND_IN")
    if not source:
        try:
            requests.get("https://quay.io/v2/", timeout=10)
        except requests.RequestException:
            pytest.skip("quay.io is out of reach: E2E_STAND_IN has to name an image to build on instead")
        return "scipy-notebook"
    name = f"{registry}/jupyter/scipy-notebook"
    copy = ["skopeo", "copy", "--quiet", "--all", "--src-tls-verify=false", source, f"docker://{name}:standin"]
    subprocess.run(copy, check=True, env={**os.environ, "HOME": home})
    return f"{name}@{manifest(registry, 'jupyter/scipy-notebook', 'standin').headers['Docker-Content-Digest']}"


def manifest(registry: str, name: str, tag: str) -> requests.Response:
    """What a registry answers when it is asked for an image."""
    return requests.get(
        f"http://{registry}/v2/{name}/manifests/{tag}", headers={"Accept": f"{LISTS}, {SINGLE}"}, timeout=10
    )


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, home: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """One engine, which the repository's commands are told to use."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    monkeypatch.setenv("XDG_DATA_HOME", str(data))
    monkeypatch.setenv("XDG_CACHE_HOME", os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache"))
    if request.param == "docker":
        monkeypatch.setenv("DOCKER_CONFIG", os.environ.get("DOCKER_CONFIG") or str(Path.home() / ".docker"))
    else:
        monkeypatch.delenv("DOCKER_CONFIG", raising=False)
        # podman and buildah prefer it to the home, skopeo does not know it.
        monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", f"{home}/.config/containers/registries.conf")
    monkeypatch.setenv("HOME", home)
    monkeypatch.setenv("CONTAINER", request.param)
    return request.param


@pytest.fixture
def own(edited: Callable[..., Path], engine: str, base: str, registry: str) -> Path:
    """A repository whose image goes into the registry, under the engine's name. Skips where the engine cannot build."""
    repository = edited(image_name=f"{registry}/{engine}/image", image_base=base)
    # Nothing comes from the cache of an earlier run.
    with (repository / "image" / "apt.txt").open("a", encoding="utf-8") as file:
        file.write(f"# {registry}\n")
    done = run_python(repository, "from deployer.image import engine; engine.choose_engine()")
    if done.returncode:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    return repository


def make(repository: Path, target: str) -> subprocess.CompletedProcess[str]:
    """What `make` does, with the packages of the tests."""
    (repository / ".venv").mkdir(exist_ok=True)
    (repository / ".venv" / "complete").touch()
    command = ["make", "--silent", f"PYTHON={sys.executable}", target]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True)


def reference(repository: Path) -> tuple[str, str, str]:
    """Registry, name and tag of a repository's image."""
    registry, _, rest = make(repository, "image-tag").stdout.strip().partition("/")
    name, _, tag = rest.rpartition(":")
    return registry, name, tag


def test_the_packages_of_the_base_are_listed(own: Path, base: str) -> None:
    done = make(own, "image-constraints")
    assert done.returncode == 0, done.stderr
    header, *packages = (own / "image" / "constraints.txt").read_text("utf-8").splitlines()
    assert base.rpartition("/")[2] in header
    assert any(package.startswith("numpy==") for package in packages)


def test_built_tested_pushed_and_not_built_again(own: Path) -> None:
    for target in ("image", "image-test"):
        done = make(own, target)
        assert done.returncode == 0, done.stderr
        assert manifest(*reference(own)).status_code == 404
    assert "Ran 6 tests" in done.stdout + done.stderr
    done = make(own, "image-push")
    assert done.returncode == 0, done.stderr
    assert manifest(*reference(own)).status_code == 200
    for target in ("image", "image-test", "image-push"):
        done = make(own, target)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.endswith("is in the registry, nothing to do\n")
        assert done.stdout.count("\n") == 1

    first = reference(own)
    with (own / "image" / "requirements.txt").open("a", encoding="utf-8") as file:
        file.write("humanize==4.13.0\n")
    locked = run_deployer(own, "image", "lock", UV=str(Path(sys.executable).parent / "uv"))
    assert locked.returncode == 0, locked.stderr
    assert reference(own) != first
    done = make(own, "image-push")
    assert done.returncode == 0, done.stderr
    assert manifest(*reference(own)).status_code == manifest(*first).status_code == 200


def test_what_somebody_else_has_pushed_is_replaced(own: Path, home: str, base: str) -> None:
    """Everybody can compute the tag, and those who may push could be first."""

    def digest() -> str:
        return manifest(*reference(own)).headers["Docker-Content-Digest"]

    registry, name, tag = reference(own)
    planted = f"docker://{registry}/{name}:{tag}"
    copy = [
        "skopeo",
        "copy",
        "--quiet",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        f"docker://{base}",
        planted,
    ]
    subprocess.run(copy, check=True)
    foreign = digest()
    for _ in range(2):
        done = make(own, "image-push")
        assert done.returncode == 0, done.stderr
        assert "but this pipeline did not push it: building it again" in done.stderr
        assert digest() != foreign
        *_, noted = (own / "pushed-images.txt").read_text("utf-8").split()
        assert noted == f"{registry}/{name}:{tag}@{digest()}"
        # Once more, over what the pipeline has pushed.
        subprocess.run(copy, check=True)
        assert digest() == foreign
    (own / "pushed-images.txt").write_text(f"{registry}/{name}:{tag}@{foreign}\n", "utf-8")
    assert "nothing to do" in make(own, "image-push").stdout


def list_containers(engine: str) -> str:
    """The containers that an engine keeps, those of builds too."""
    command = {"docker": "docker ps --all --quiet", "podman": "podman ps --all --external --quiet"}
    return subprocess.check_output(command.get(engine, "buildah containers --quiet").split(), text=True)


def test_what_fails_its_tests_is_not_pushed(own: Path, engine: str) -> None:
    before = list_containers(engine)
    path = own / "image" / "requirements.txt"
    path.write_text(path.read_text("utf-8") + "no-such-package==1\n", encoding="utf-8")
    for target in ("image-test", "image-push"):
        done = make(own, target)
        assert done.returncode == 2
        assert "PackageNotFoundError: No package metadata was found for no-such-package" in done.stdout + done.stderr
        assert "failed and says above why" in done.stderr
    assert manifest(*reference(own)).status_code == 404 and list_containers(engine) == before


def test_an_image_for_one_platform_is_built_again_for_both(own: Path, registry: str, base: str) -> None:
    if not Path("/proc/sys/fs/binfmt_misc/qemu-aarch64").exists():
        pytest.skip("needs an emulator of arm64: on Debian, the package qemu-user-static")
    _, _, digest = base.partition("@")
    if digest and "manifests" not in manifest(registry, "jupyter/scipy-notebook", digest).json():
        pytest.skip("the stand-in is for one platform: E2E_STAND_IN has to name one for amd64 and arm64")
    assert make(own, "image-push").returncode == 0
    _, name, tag = reference(own)
    config = own / "chart" / "values.yaml"
    config.write_text(config.read_text("utf-8").replace("kubernetes.io/arch: amd64", ""), encoding="utf-8")
    done = make(own, "image-push")
    assert done.returncode == 0, done.stderr
    assert f"{registry}/{name}:{tag} is in the registry, but not for linux/arm64: building it" in done.stderr
    platforms = {one["platform"]["architecture"] for one in manifest(registry, name, tag).json()["manifests"]}
    assert platforms >= {"amd64", "arm64"}
    assert "nothing to do" in make(own, "image-push").stdout


def test_without_skopeo_it_is_built_all_the_same(own: Path, engine: str, tmp_path: Path, monkeypatch) -> None:
    if engine == "docker":
        pytest.skip("docker looks into the registry itself")
    # All programs but one.
    for folder in reversed(os.environ["PATH"].split(os.pathsep)):
        for program in Path(folder).iterdir() if Path(folder).is_dir() else []:
            (tmp_path / program.name).unlink(missing_ok=True)
            (tmp_path / program.name).symlink_to(program)
    (tmp_path / "skopeo").unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    done = make(own, "image")
    assert done.returncode == 0, done.stderr
    assert "skopeo is not installed to ask the registry for" in done.stderr


def test_a_registry_that_wants_a_login(own: Path, locked: str, engine: str) -> None:
    config = own / "config" / "hub.yaml"
    config.write_text(config.read_text("utf-8").replace(reference(own)[0], locked), encoding="utf-8")
    done = make(own, "image-push")
    assert done.returncode == 2
    assert f"run `{engine} login {locked}` with an account that may push" in done.stderr


def test_a_registry_that_is_down(own: Path) -> None:
    config = own / "config" / "hub.yaml"
    config.write_text(config.read_text("utf-8").replace(reference(own)[0], "127.0.0.1:1"), encoding="utf-8")
    done = make(own, "image-push")
    assert done.returncode == 2
    assert "connection refused): nothing is built that could not be pushed" in done.stderr


def test_docker_without_its_daemon(edited: Callable[..., Path], tmp_path: Path) -> None:
    if not shutil.which("docker"):
        pytest.skip("docker is not there: install it")
    repository = edited(image_name="registry.example.edu/course/image")
    done = run_deployer(repository, "image", "build", CONTAINER="docker", DOCKER_HOST=f"unix://{tmp_path}/none")
    assert done.returncode == 1
    assert "no engine to build with: docker does not run (Cannot connect to the Docker daemon" in done.stderr
