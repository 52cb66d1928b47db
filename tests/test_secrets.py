"""Secrets, with the real sops, the real age, the real helm: made, used, renewed, guarded."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from repositories import script


@pytest.fixture(autouse=True)
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of one's own, so that no key of who runs the tests is used or written to."""
    for tool in ("sops", "age-keygen"):
        variable = tool.upper().replace("-", "_")
        if not shutil.which(os.environ.get(variable) or tool):
            pytest.skip(f"{tool} is not here: set {variable}, or run `mise install` in a generated repository")
    home = tmp_path / "home"
    home.mkdir()
    for name in ("SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE", "SOPS_AGE_KEY_CMD", "XDG_CONFIG_HOME", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture
def hub(edited: Callable[..., Path]) -> Path:
    """A repository as `make secrets` leaves it."""
    repository = edited()
    subprocess.run(["git", "init", "--quiet", repository], check=True)
    subprocess.run(["git", "config", "user.name", "Ada Lovelace"], cwd=repository, check=True)
    subprocess.run(["git", "config", "user.email", "ada@example.edu"], cwd=repository, check=True)
    make(repository)
    return repository


def good(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def make(repository: Path) -> None:
    """What `make secrets` runs."""
    good(script(repository, "age_keys", "mine"))
    good(script(repository, "manage_secrets", "make"))


def shown(repository: Path, env: str = "prod") -> dict[str, str]:
    text = good(script(repository, "manage_secrets", "show", "--env", env))
    return dict(line.split(": ", 1) for line in text.splitlines())


def helm(repository: Path, env: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Helm as the scripts of the repository run it, with the real secrets."""
    code = (
        "import sys; import hub; hub.build_dependency(); done = hub.helm(*sys.argv[1:]);"
        "sys.stdout.write(done.stdout); sys.stderr.write(done.stderr); sys.exit(done.returncode)"
    )
    return subprocess.run(
        [sys.executable, "-c", code, env, *arguments],
        cwd=repository,
        env={**os.environ, "PYTHONPATH": str(repository / "scripts")},
        capture_output=True,
        text=True,
    )


def template(repository: Path, env: str = "prod") -> subprocess.CompletedProcess[str]:
    release = f"{repository.name}-{env}"
    return helm(repository, env, "template", release, "chart", "--namespace", release)


def test_made_once_at_random_and_used_by_helm(hub: Path, chart: Path, person: Path) -> None:
    key = person / ".config/sops/age/keys.txt"
    assert key.stat().st_mode & 0o777 == 0o600
    before = {file: file.read_bytes() for file in [*hub.rglob("secrets/*"), hub / ".sops.yaml", key]}
    assert len(before) == 4
    make(hub)
    assert {file: file.read_bytes() for file in before} == before
    staging, prod = shown(hub, "staging"), shown(hub, "prod")
    values = [*staging.values(), *prod.values()]
    assert len(set(values)) == len(values) == 12
    assert not set(values) & set("".join(content.decode() for content in before.values()).split())
    first, second = good(template(hub)), good(template(hub))
    assert first == second
    secret = next(item for item in yaml.safe_load_all(first) if item["kind"] == "Secret" and "data" in item)
    assert json.dumps(secret).count("fake-for-rendering") == 0
