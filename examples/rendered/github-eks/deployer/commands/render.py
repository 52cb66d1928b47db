"""Print the objects of an environment as Helm would send them, with fake secrets: no cluster and no keys are needed.

`--output json` is a contract: `make impact` calls the command of another commit with it, and reads `objects` and
`values`. Keys may be added to it, and none may change. It needs Python, PyYAML and helm, and no other package.
"""

import argparse
import json

from deployer import chart, values
from deployer.commands.options import add_environment
from deployer.yaml_files import read_objects


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_environment(parser)
    parser.add_argument("--output", choices=["yaml", "json"], default="yaml", help="json: with the values (a contract)")


def run(arguments: argparse.Namespace) -> None:
    chart.build_dependency()
    if arguments.output == "yaml":
        print(chart.render(arguments.env), end="")
    else:
        objects = read_objects(chart.render(arguments.env))
        contract = {"environment": arguments.env, "objects": objects, "values": values.read_values(arguments.env)}
        # YAML has dates, and JSON does not.
        print(json.dumps(contract, default=str))
