"""The robot student: the Helm test that uses the hub as a student does."""

from deployer import chart
from deployer.cluster import kubectl, release

# Longer than the robot's own deadline.
TIMEOUT = "--timeout=35m"


def send(env: str) -> tuple[bool, str]:
    """Send the robot student. Returns whether it passed, and what it said."""
    done = release.run_helm(env, "test", chart.name_release(env), TIMEOUT)
    said = kubectl.run_kubectl(env, "logs", "robot-student").stdout
    return done.returncode == 0, said or done.stderr
