"""Send the robot student to a hub."""

import argparse

from deployer.cluster import kubectl, presence
from deployer.commands.options import add_environment
from deployer.commands.rollback import send_robot
from deployer.errors import UserError

add_arguments = add_environment


def run(arguments: argparse.Namespace) -> None:
    kubectl.require_access(arguments.env)
    presence.require_hub(arguments.env)
    if not send_robot(arguments.env):
        raise UserError("the robot student has failed, see above")
