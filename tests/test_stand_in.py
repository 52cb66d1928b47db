"""The stand-in for the jupyterhub chart: our own templates render the same with it as with the chart."""

import shutil
import tarfile
from pathlib import Path

import pytest
import yaml
from matrix import CELLS

from repositories import TEMPLATE, put_stand_in, render

DATA = TEMPLATE / "tests" / "data" / "jupyterhub-4.4.0"


def missing(some: dict, whole: dict, path: str = "") -> list[str]:
    """Return the keys whose value in a mapping differs from the one in another mapping, which may have more keys."""
    found = []
    for key, value in some.items():
        if isinstance(value, dict) and value and isinstance(whole.get(key), dict):
            found += missing(value, whole[key], f"{path}{key}.")
        elif key not in whole or value != whole[key]:
            found.append(f"{path}{key}")
    return found


def test_its_values_are_defaults_of_the_chart(bake) -> None:
    chart = bake() / "chart"
    version = yaml.safe_load((chart / "Chart.yaml").read_text("utf-8"))["dependencies"][0]["version"]
    assert DATA.name == f"jupyterhub-{version}"
    some = yaml.safe_load((chart / "ci" / "jupyterhub" / "values.yaml").read_text("utf-8"))
    assert missing(some, yaml.safe_load((DATA / "values.yaml").read_text("utf-8"))) == []


@pytest.mark.parametrize("name", ["values.yaml", "values.schema.json"])
def test_the_data_of_the_tests_is_that_of_the_chart(chart: Path, name: str) -> None:
    with tarfile.open(chart) as package:
        assert package.extractfile(f"jupyterhub/{name}").read() == (DATA / name).read_bytes()


def own(rendered: str) -> list[dict]:
    """Return the objects that come from our own templates, in the order of their files."""
    found = []
    for text in ("\n" + rendered).split("\n---\n# Source: ")[1:]:
        file, _, manifest = text.partition("\n")
        if "/charts/" not in file:
            found.append((file, yaml.safe_load(manifest)))
    return [item for _, item in sorted(found, key=lambda pair: (pair[0], pair[1]["kind"], pair[1]["metadata"]["name"]))]


@pytest.mark.parametrize("env", ["staging", "prod"])
@pytest.mark.parametrize("cell", CELLS)
def test_our_templates_render_the_same_with_it(bake, chart: Path, tmp_path: Path, cell: str, env: str) -> None:
    repository = bake(**CELLS[cell])
    stand_in = shutil.copytree(repository / "chart", tmp_path / "chart", ignore=shutil.ignore_patterns("charts"))
    put_stand_in(stand_in)
    with_stand_in, with_chart = render(repository, env, chart=stand_in), render(repository, env)
    assert with_stand_in.returncode == 0, with_stand_in.stderr
    assert own(with_stand_in.stdout) == own(with_chart.stdout) != []
