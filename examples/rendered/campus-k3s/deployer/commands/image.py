"""Build, test and push the image of image/ with docker, podman or buildah. Its tag is the git tree hash of image/."""

import argparse
import sys

from deployer.errors import UserError
from deployer.image import constraints, engine, lock, reference, registry
from deployer.paths import IMAGE

# Each step needs the ones before it.
STEPS = {"build": engine.build, "test": engine.test, "push": engine.push}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=[*STEPS, "tag", "constraints", "lock", "check-lock"])


def run(arguments: argparse.Namespace) -> None:
    if not IMAGE.is_dir():
        raise UserError("there is no image/ in this repository: its image is built elsewhere (see config/hub.yaml)")
    if arguments.action == "tag":
        print(reference.find_reference())
    elif arguments.action == "lock":
        lock.write_lock()
        if missing := constraints.explain_missing():
            print(missing, file=sys.stderr)
    elif arguments.action == "constraints":
        print(f"{constraints.write_constraints()} packages of {constraints.read_base()}: commit image/constraints.txt")
    elif arguments.action == "check-lock":
        lock.check_lock()
    else:
        build_up_to(arguments.action)


def build_up_to(last: str) -> None:
    """Run the steps up to one, unless the registry has the image: what was pushed was tested."""
    missing = registry.explain_missing(pushing=last == "push")
    if not missing:
        print(f"{reference.find_reference()} is in the registry, nothing to do")
        return
    print(missing, file=sys.stderr)
    for name, step in STEPS.items():
        step()
        if name == last:
            break
