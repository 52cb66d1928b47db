"""The stand-in for the jupyterhub chart has the chart's defaults; test_engines.py compares what renders with both."""

import tarfile
from pathlib import Path

import pytest
import yaml

from repositories import TEMPLATE

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
