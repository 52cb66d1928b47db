"""The chart: its jupyterhub dependency, and Helm's rendering of an environment."""

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import yaml

from deployer import helm_errors, redact, values
from deployer.errors import ChartUnavailableError, CommandFailedError, UserError
from deployer.image import pushed
from deployer.paths import CHART, FAKE_SECRETS, find_cache, label
from deployer.process import Done, find_tool, read_output, run, run_watched
from deployer.secrets import sops
from deployer.yaml_files import YamlMapping, list_leaves, read_mapping


def read_name() -> str:
    """Return the name of the hub, which is the chart's."""
    return str(read_mapping(CHART / "Chart.yaml")["name"])


def name_release(env: str) -> str:
    """Return the release and namespace of an environment: the chart has cluster-scoped objects named by the release."""
    return f"{read_name()}-{env}"


def read_dependency() -> YamlMapping:
    """Return the jupyterhub chart that Chart.yaml names: name, version and repository."""
    dependencies: list[YamlMapping] = read_mapping(CHART / "Chart.yaml")["dependencies"]
    return next(item for item in dependencies if item["name"] == "jupyterhub")


def find_given_chart(given: str, file: str, wanted: YamlMapping) -> Path:
    """Return the packaged chart to which $Z2JH_CHART points, a file or a folder of files."""
    path = Path(given) / file if Path(given).is_dir() else Path(given)
    if not path.is_file():
        raise ChartUnavailableError(
            f"Z2JH_CHART: there is no {file} at '{given}'. Point it at the packaged chart, or unset it"
        )
    found = yaml.safe_load(read_output(find_tool("helm"), "show", "chart", path))
    if (found["name"], found["version"]) != (wanted["name"], wanted["version"]):
        raise ChartUnavailableError(
            f"Z2JH_CHART: '{given}' is {found['name']} {found['version']}; chart/Chart.yaml requires {file}. Replace it"
        )
    return path


def find_packaged_chart() -> Path:
    """Return the packaged jupyterhub chart: from $Z2JH_CHART, from the cache, or pulled into the cache."""
    wanted = read_dependency()
    file = f"{wanted['name']}-{wanted['version']}.tgz"
    if given := os.environ.get("Z2JH_CHART"):
        return find_given_chart(given, file, wanted)
    cache = find_cache()
    path = cache / file
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        pull = ["pull", wanted["name"], "--repo", wanted["repository"], "--version", wanted["version"]]
        try:
            with tempfile.TemporaryDirectory(dir=cache) as folder:
                read_output(find_tool("helm"), *pull, "--destination", folder)
                Path(folder, file).replace(path)
        except CommandFailedError as error:
            raise ChartUnavailableError(
                f"{file} cannot be pulled: {error.stderr}\n"
                f"Where the network allows it, run `helm {' '.join(pull)}` and set Z2JH_CHART to the file, "
                "or check without the chart: `make check OFFLINE=1`"
            ) from error
    return path


def build_dependency() -> None:
    """Put the packaged chart where Helm looks for it."""
    source = find_packaged_chart()
    charts = CHART / "charts"
    charts.mkdir(exist_ok=True)
    for old in charts.iterdir():
        if old.name != source.name:
            old.unlink()
    shutil.copy(source, charts / source.name)


def write_stand_in(folder: Path) -> Path:
    """Write a copy of the chart, with chart/ci/jupyterhub in place of the jupyterhub chart. Returns its path."""
    copy = folder / "chart"
    shutil.copytree(CHART, copy, ignore=shutil.ignore_patterns("charts"))
    jupyterhub = Path(shutil.copytree(CHART / "ci" / "jupyterhub", copy / "charts" / "jupyterhub"))
    metadata = {"apiVersion": "v2", "name": "jupyterhub", "version": read_dependency()["version"]}
    (jupyterhub / "Chart.yaml").write_text(yaml.safe_dump(metadata), encoding="utf-8")
    return copy


def render(env: str, chart: Path = CHART) -> str:
    """Return every object of an environment as Helm would send it, with fake secrets."""
    return render_with_warnings(env, chart)[0]


def render_with_warnings(env: str, chart: Path = CHART, *over: Path) -> tuple[str, list[str]]:
    """Return every object of an environment, and what Helm and the guards warn of. `over` are the last layers."""
    release = name_release(env)
    files = [argument for file in (FAKE_SECRETS, *over) for argument in ("--values", label(file))]
    layers = [*values.list_helm_arguments(env), *files]
    done = run(find_tool("helm"), "template", release, chart, "--namespace", release, *layers)
    if done.returncode:
        problems = helm_errors.translate(env, read_name(), done.stderr)
        raise UserError(f"config/{env}.yaml with config/hub.yaml does not render:\n{problems}")
    warnings = helm_errors.translate_warnings(env, done.stderr)
    return done.stdout, [*warnings, *re.findall("^# warning: (.*)$", done.stdout, flags=re.MULTILINE)]


def run_helm_with_secrets(env: str, *arguments: str, find_failure: Callable[[], str] = lambda: "") -> Done:
    """Run Helm with all values of an environment. Its errors come back without the secrets in them.

    Helm is interrupted once `find_failure` returns why it cannot succeed.

    The secrets are decrypted before Helm starts and reach it through its standard input: they are on no disk, and
    Helm never sees the empty file that a failed `-f <(sops decrypt ...)` would give it.
    """
    text = sops.read_secrets(env)
    layers = values.list_helm_arguments(env, pushed.read_digest(values.describe_image(env)))
    command = [find_tool("helm"), *arguments, *layers, "--values", "-"]
    done = run_watched(*command, text=text, find_failure=find_failure)
    secrets = [str(value) for path, value in list_leaves(yaml.safe_load(text)) if path != ("secretsFor",)]
    done.stderr = redact.mask(done.stderr, secrets)
    return done
