"""What the scripts share: the environments, the layers of their values, the tools and the chart."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NoReturn

import yaml

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "chart"
FAKE_SECRETS = CHART / "ci" / "fake-secrets.yaml"
ENVIRONMENTS = ("staging", "prod")


def stop(sentence: str) -> NoReturn:
    """End with exit status 1 and a sentence that says what is wrong and what to do."""
    raise SystemExit(sentence)


def read(path: Path) -> dict:
    """A YAML file as a mapping, empty if it holds nothing."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def name() -> str:
    """The hub's name, which is the chart's."""
    return read(CHART / "Chart.yaml")["name"]


def release(env: str) -> str:
    """Release and namespace of an environment: the chart has cluster-scoped objects named by the release."""
    return f"{name()}-{env}"


def layers(env: str) -> list[Path]:
    """The values files of an environment over chart/values.yaml, in Helm's order: a later one wins. Secrets follow."""
    return [ROOT / "config" / "hub.yaml", ROOT / "config" / f"{env}.yaml"]


def merge(base: dict, over: dict) -> dict:
    """Two layers as Helm merges them: mappings key by key, null removes, anything else replaces."""
    merged = dict(base)
    for key, value in over.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def values(env: str) -> dict:
    """The values of an environment without its secrets, as Helm sees them."""
    merged: dict = {}
    for layer in [CHART / "values.yaml", *layers(env)]:
        merged = merge(merged, read(layer))
    return merged


def tool(command: str) -> str:
    """The path of a tool: the environment variable of its name in capitals, else what PATH has."""
    found = shutil.which(os.environ.get(command.upper()) or command)
    return found or stop(
        f"{command} is not there: run `mise install` (https://mise.jdx.dev), or put {command} on the PATH"
    )


def output(*command: str | Path) -> str:
    """What a command prints. Raises subprocess.CalledProcessError with its error output if it fails."""
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout


def dependency() -> dict:
    """The jupyterhub chart that Chart.yaml names: name, version and repository."""
    return next(item for item in read(CHART / "Chart.yaml")["dependencies"] if item["name"] == "jupyterhub")


def cache() -> Path:
    """The folder in the user's cache directory that keeps packaged charts."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "z2jh-template"


def packaged_chart() -> Path:
    """The packaged jupyterhub chart: from $Z2JH_CHART, from the cache, or pulled into the cache.

    Stops with the way to get it where none of the three has it.
    """
    chart = dependency()
    file = f"{chart['name']}-{chart['version']}.tgz"
    if given := os.environ.get("Z2JH_CHART"):
        path = Path(given) / file if Path(given).is_dir() else Path(given)
        if not path.is_file():
            stop(f"Z2JH_CHART is '{given}', where there is no {file}: point it at the packaged chart, or unset it")
        found = yaml.safe_load(output(tool("helm"), "show", "chart", path))
        if (found["name"], found["version"]) != (chart["name"], chart["version"]):
            stop(f"Z2JH_CHART is '{given}', which is {found['name']} {found['version']}; chart/Chart.yaml wants {file}")
        return path
    path = cache() / file
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        pull = ["pull", chart["name"], "--repo", chart["repository"], "--version", chart["version"]]
        try:
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                output(tool("helm"), *pull, "--destination", folder)
                (Path(folder) / file).replace(path)
        except subprocess.CalledProcessError as error:
            stop(
                f"{file} cannot be had: {error.stderr.strip()}\n"
                f"Where the network allows it, run `helm {' '.join(pull)}` and set Z2JH_CHART to the file, "
                "or check without the chart: `make check OFFLINE=1`"
            )
    return path


def build_dependency() -> None:
    """Put the packaged chart where Helm looks for it."""
    source = packaged_chart()
    charts = CHART / "charts"
    charts.mkdir(exist_ok=True)
    for old in charts.iterdir():
        if old.name != source.name:
            old.unlink()
    shutil.copy(source, charts / source.name)
