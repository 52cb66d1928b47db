"""Print the path of the packaged jupyterhub chart: from $Z2JH_CHART, from the cache, or pulled into the cache."""

import argparse

from deployer import chart


def run(_: argparse.Namespace) -> None:
    print(chart.find_packaged_chart())
