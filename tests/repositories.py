"""How tests write, change and render a generated repository, with the real engines and the real helm."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, cast

import copier
import copier._main
import pytest
import yaml
from cookiecutter.main import cookiecutter

TEMPLATE = Path(__file__).resolve().parent.parent
# After each of 220 files copier asks git for core.fileMode, which matters in a repository of Windows only.
copier._main.Worker._sync_git_index_executable_bit = lambda *_: None
# libyaml reads a rendered chart in a tenth of the time; a PyYAML that was built without it has the other one.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def tracked(source: Path) -> list[str]:
    """The files of a git working tree that are, or could be, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=source,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [name for name in listed.split("\0") if name and (source / name).is_file()]


def by_cookiecutter(template: Path, folder: Path, answers: dict[str, str]) -> Path:
    """A repository written by cookiecutter. Raises what cookiecutter raises."""
    return Path(cookiecutter(str(template), no_input=True, extra_context=answers, output_dir=str(folder)))


def by_copier(template: Path, folder: Path, answers: dict[str, str]) -> Path:
    """A repository written by copier. Raises what copier raises."""
    target = folder / answers.get("hub_name", "data-science-hub")
    copier.run_copy(str(template), target, data=answers, defaults=True, quiet=True)
    return target


def git(repository: Path, *arguments: str) -> str:
    """Run git in a repository, with the identity that conftest.py sets. Return what it prints."""
    done = subprocess.run(["git", *arguments], cwd=repository, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def commit(repository: Path, message: str = "A change") -> None:
    """Commit everything, even if nothing has changed. Hooks do not run."""
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--no-verify", "--allow-empty", f"--message={message}")


def release(template: Path, folder: Path) -> Path:
    """The template as a git repository in a folder, with the tag v0.1.0."""
    repository = Path(shutil.copytree(template, folder / "z2jh-template"))
    git(repository, "init", "--quiet", "--initial-branch=main")
    commit(repository, "First release")
    git(repository, "tag", "v0.1.0")
    return repository


def merge(base: dict, over: dict) -> dict:
    """Merge values over others, key by key, as Helm does with two files."""
    both = {key: merge(base[key], over[key]) for key in base.keys() & over.keys() if isinstance(over[key], dict)}
    return {**base, **over, **both}


def change_values(file: Path, values: dict) -> None:
    """Merge values into a YAML file."""
    before = yaml.safe_load(file.read_text(encoding="utf-8"))
    file.write_text(yaml.safe_dump(merge(before or {}, values)), encoding="utf-8")


def set_value(file: Path, key: str, value: object) -> None:
    """Set the value of a key, such as `hub.config.Authenticator.admin_users`, in a YAML file."""
    for name in reversed(key.split(".")):
        value = {name: value}
    change_values(file, cast("dict", value))


def use_home(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Be a person with a home of their own, without keys."""
    home.mkdir(exist_ok=True)
    for name in ("SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE", "SOPS_AGE_KEY_CMD", "XDG_CONFIG_HOME", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))


def npm_package(package: str) -> Path:
    """The node_modules folder of a package, installed under build/ if need be; skips where npm cannot be had."""
    folder = TEMPLATE / "build" / "npm" / package.replace("/", "-")
    if not folder.exists():
        if not shutil.which("npm"):
            pytest.skip(
                f"npm is not there, and {package} comes from its registry: install Node.js (https://nodejs.org)"
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = tempfile.mkdtemp(dir=folder.parent)
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", made, package]
        done = subprocess.run(install, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"npm cannot install {package}, run `{' '.join(install)}`: {done.stderr.strip()[-300:]}")
        # Another worker may have been faster.
        with contextlib.suppress(OSError):
            Path(made).rename(folder)
    return folder / "node_modules"


def run_deployer(repository: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command of a repository as its Makefile does, with the packages of the tests."""
    return subprocess.run(
        [sys.executable, "-m", "deployer", *arguments],
        cwd=repository,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
    )


def run_python(repository: Path, code: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run Python in a repository, whose package `deployer` it can import."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, **options)


def put_stand_in(chart: Path) -> None:
    """Give a chart the stand-in that it has for the jupyterhub chart, as `make check OFFLINE=1` does."""
    metadata = yaml.safe_load((chart / "Chart.yaml").read_text(encoding="utf-8"))["dependencies"][0]
    del metadata["repository"]
    jupyterhub = shutil.copytree(chart / "ci" / "jupyterhub", chart / "charts" / "jupyterhub")
    (jupyterhub / "Chart.yaml").write_text(yaml.safe_dump({"apiVersion": "v2", **metadata}), encoding="utf-8")


def build_dependency(repository: Path) -> None:
    """Put the packaged chart where Helm looks for it, or the stand-in where the chart is not available."""
    charts = repository / "chart" / "charts"
    if charts.exists():
        return
    if "NO_CHART" in os.environ:
        put_stand_in(charts.parent)
    else:
        charts.mkdir()
        shutil.copy(os.environ["Z2JH_CHART"], charts)


def render(
    repository: Path, env: str, *arguments: str, chart: str | Path = "chart"
) -> subprocess.CompletedProcess[str]:
    """`helm template` of an environment with fake secrets, its dependency built. Not checked: see returncode."""
    build_dependency(repository)
    name = yaml.safe_load((repository / "chart" / "Chart.yaml").read_text(encoding="utf-8"))["name"]
    layers = ["config/hub.yaml", f"config/{env}.yaml", "chart/ci/fake-secrets.yaml"]
    files = [argument for layer in layers for argument in ("--values", layer)]
    if (repository / "image").is_dir():
        told = run_python(repository, f"from deployer import values; print(values.find_image_tag({env!r}))")
        files += ["--set-string", f"jupyterhub.singleuser.image.tag={told.stdout.strip()}"]
    release = f"{name}-{env}"
    return subprocess.run(
        [os.environ.get("HELM", "helm"), "template", release, chart, "--namespace", release, *files, *arguments],
        cwd=repository,
        capture_output=True,
        text=True,
    )


def objects(rendered: subprocess.CompletedProcess[str]) -> list[dict]:
    """The objects of a render that went well."""
    assert rendered.returncode == 0, rendered.stderr
    return [item for item in yaml.load_all(rendered.stdout, Loader=LOADER) if item]
