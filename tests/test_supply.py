"""What is installed where the keys are: only what a hash names, from whatever index."""

import hashlib
import http.server
import os
import re
import subprocess
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from repositories import TEMPLATE, npm_package

# Of 2026.9.15, the newest that npm has.
MISE = "@jdxcode/mise@2026.9.15"
KEY = "AGE-SECRET-KEY-1ONLYFORTHISTEST"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and where a web server on loopback serves it."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def plant(index: Path, name: str, version: str, told: Path) -> None:
    """Put a wheel into an index that writes down every variable as soon as a Python starts that has it."""
    plain = name.replace("-", "_")
    metadata = f"{plain}-{version}.dist-info"
    files = {
        f"{plain}_planted.pth": f"import os; open({str(told)!r}, 'a').write(repr(dict(os.environ)))\n",
        f"{metadata}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{metadata}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{metadata}/RECORD": "",
    }
    (index / name).mkdir()
    wheel = index / name / f"{plain}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as packed:
        for path, content in files.items():
            packed.writestr(path, content)
    # The index says the right hash of what it serves.
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    link = f'<a href="{wheel.name}#sha256={digest}">{wheel.name}</a>'
    (index / name / "index.html").write_text(link, encoding="utf-8")


def read_lock(repository: Path) -> dict[str, tuple[str, dict[str, tuple[str, str]]]]:
    """The tools of mise.lock: the version of each, and the checksum and the address of each platform's file."""
    platform = r'\[tools\.\w+\."platforms\.([\w-]+)"\]\nchecksum = "(.*)"\nurl = "(.*)"'
    tools = {}
    for part in (repository / "mise.lock").read_text("utf-8").split("[[tools.")[1:]:
        name, version = re.match(r'(\w+)\]\]\nversion = "(.*)"', part).groups()
        tools[name] = version, {key: (checksum, url) for key, checksum, url in re.findall(platform, part)}
    return tools


def make(repository: Path, target: str, **environ: str) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "VIRTUAL_ENV"))}
    return subprocess.run(
        ["make", "--silent", target], cwd=repository, env=plain | environ, capture_output=True, text=True
    )


@pytest.fixture
def hub(edited: Callable[..., Path]) -> Path:
    """A repository under git, as `make deploy` wants it."""
    repository = edited()
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.edu"]
    for command in (["init", "--quiet"], ["add", "--all"], [*who, "commit", "--quiet", "--message=All"]):
        subprocess.run(["git", *command], cwd=repository, check=True)
    return repository


def test_a_planted_wheel_does_not_reach_a_deploy(hub: Path, served: tuple[Path, str], tmp_path: Path) -> None:
    """Every package of the lock, at its version, from an index that somebody has taken over."""
    index, address = served
    told = tmp_path / "told"
    lock = (hub / "deployer" / "requirements.lock").read_text("utf-8")
    pinned = dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", lock, re.MULTILINE))
    assert len(pinned) > 15
    for name, version in pinned.items():
        plant(index, name.lower().replace("_", "-").replace(".", "-"), version, told)
    taken_over = {"PIP_INDEX_URL": address, "PIP_CONFIG_FILE": os.devnull, "PIP_CACHE_DIR": str(tmp_path / "cache")}
    done = make(hub, "deploy", SOPS_AGE_KEY=KEY, **taken_over)
    assert done.returncode != 0
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr
    assert "the next make tries again" in done.stderr
    assert not told.exists() and not (hub / ".venv").exists()

    # The test can fail: without the hashes the wheel is there, and has the key.
    makefile = hub / "Makefile"
    makefile.write_text(makefile.read_text("utf-8").replace("--require-hashes -r $<", "--no-deps pyyaml"), "utf-8")
    make(hub, "deploy", SOPS_AGE_KEY=KEY, **taken_over)
    assert KEY in told.read_text("utf-8")


def test_a_source_package_is_not_built(hub: Path) -> None:
    """Its build would install what nobody has pinned."""
    assert "--only-binary :all: --require-hashes" in (hub / "Makefile").read_text("utf-8")


def test_mise_installs_only_what_the_lock_names(bake, served: tuple[Path, str], tmp_path: Path) -> None:
    """The real mise, from a server that has something else, and then from one that has what the lock names."""
    mise = npm_package(MISE) / "@jdxcode" / "mise" / "bin" / "mise"
    folder, address = served
    tool = folder / "kubectl"
    tool.write_text("#!/bin/sh\necho planted\n", encoding="utf-8")
    environ = os.environ | {"HOME": str(tmp_path), "MISE_YES": "1", "MISE_TRUSTED_CONFIG_PATHS": "/"}
    (tmp_path / "mise.toml").write_text('[tools]\nkubectl = "1.34.5"\n', encoding="utf-8")
    checksum, _ = read_lock(bake())["kubectl"][1]["linux-x64"]

    def install(checksum: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "mise.lock").write_text(
            '[[tools.kubectl]]\nversion = "1.34.5"\nbackend = "aqua:kubernetes/kubernetes/kubectl"\n\n'
            f'[tools.kubectl."platforms.linux-x64"]\nchecksum = "{checksum}"\nurl = "{address}/kubectl"\n',
            encoding="utf-8",
        )
        return subprocess.run([mise, "install", "--locked"], cwd=tmp_path, env=environ, capture_output=True, text=True)

    done = install(checksum)
    assert done.returncode != 0 and checksum in done.stderr
    done = install(f"sha256:{hashlib.sha256(tool.read_bytes()).hexdigest()}")
    assert done.returncode == 0, done.stderr


def test_each_tool_is_locked_for_each_platform(bake) -> None:
    repository = bake()
    tools = dict(re.findall(r'^(\w+) = "(.*)"$', (repository / "mise.toml").read_text("utf-8"), re.MULTILINE))
    locked = read_lock(repository)
    assert {name: version for name, (version, _) in locked.items()} == tools
    for version, platforms in locked.values():
        assert sorted(platforms) == ["linux-arm64", "linux-x64", "macos-arm64", "macos-x64"]
        for checksum, url in platforms.values():
            assert re.fullmatch(r"sha256:[0-9a-f]{64}", checksum) and version in url
    # The same archives as those that the tests fetch.
    fetched = (TEMPLATE / "tools" / "fetch_helm.py").read_text("utf-8")
    assert all(checksum.removeprefix("sha256:") in fetched for checksum, _ in locked["helm"][1].values())
