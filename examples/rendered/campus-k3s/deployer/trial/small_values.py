"""The values of a trial on a cluster: those of staging, reduced to a machine without TLS, domain and much room."""

import json
from typing import Any

import yaml

from deployer import files, values
from deployer.errors import UserError
from deployer.paths import CHART, ENVIRONMENTS, TRIAL, TRIAL_FOLDER, TRIAL_VALUES
from deployer.process import find_tool, read_output
from deployer.trial.people import list_role_users
from deployer.yaml_files import YamlMapping, find_value

SIGN_IN = "shared-password"


def require_possible() -> None:
    """Write an empty layer, and raise UserError where staging needs what a trial does not have."""
    TRIAL_FOLDER.mkdir(mode=0o700, exist_ok=True)
    files.write_text(TRIAL_VALUES, "environment: try\n")
    if (CHART / "templates" / "shared-storage.yaml").is_file():
        raise UserError(
            "jupyterhub.singleuser.storage: a trial has no NFS server. Run `make try` without ON, or "
            f"`make deploy ENV={ENVIRONMENTS[0]}`"
        )


def write_values() -> None:
    """Write the layer that reduces staging to a small machine: no TLS, no domain, small volumes, small requests."""
    layer = {"environment": TRIAL, **reduce_values(values.read_values(TRIAL))}
    files.write_text(TRIAL_VALUES, yaml.safe_dump(layer))


def read_architecture() -> str:
    """Return the architecture of the first node."""
    nodes = json.loads(read_output(find_tool("kubectl"), "get", "nodes", "--output=json"))["items"]
    return str(nodes[0]["status"]["nodeInfo"]["architecture"])


def replace_sign_in(found: YamlMapping) -> YamlMapping:
    """Return the part of hub.config that lets people sign in with a password: a provider does not know this address.

    With the hub's own address, browsers would send the cookies over https only.
    """
    if find_value(found, "jupyterhub", "hub", "config", "JupyterHub", "authenticator_class") == SIGN_IN:
        return {"JupyterHub": {"public_url": ""}}
    # Rules such as a list of students would keep out everyone who tries.
    staff = list_role_users(find_value(found, "jupyterhub", "hub", "loadRoles"))
    rules = {"allow_all": True, "admin_users": staff or ["instructor"]}
    return {"JupyterHub": {"authenticator_class": SIGN_IN, "public_url": ""}, "SharedPasswordAuthenticator": rules}


def reduce_values(found: YamlMapping) -> YamlMapping:
    """Return what differs on a machine without TLS, load balancer and room. A null removes a value."""
    small = {"requests": {"cpu": "10m", "memory": "64Mi"}}
    user: dict[str, Any] = {
        "memory": {"guarantee": "64M"},
        "cpu": {"guarantee": 0.01},
        # Of the nodes, not of the answers: a laptop may have arm64.
        "nodeSelector": {"kubernetes.io/arch": read_architecture()},
        "storage": {"capacity": "256Mi", "dynamic": {"storageClass": None}},
    }
    return {
        "jupyterhub": {
            "imagePullSecret": {"create": False},
            "hub": {
                "config": replace_sign_in(found),
                "db": {"pvc": {"storage": "64Mi", "storageClassName": None}},
                "resources": small,
            },
            "proxy": {
                "https": {"enabled": False},
                "service": {"type": "ClusterIP", "disableHttpPort": False},
                "chp": {"resources": small},
            },
            "ingress": {"enabled": False},
            "httpRoute": {"enabled": False},
            "singleuser": user,
            "prePuller": {"continuous": {"enabled": False}},
            "scheduling": {
                "userScheduler": {"enabled": False},
                "userPlaceholder": {"enabled": False},
                # No node of this machine is for one purpose.
                "corePods": {"nodeAffinity": {"matchNodePurpose": "ignore"}},
                "userPods": {"nodeAffinity": {"matchNodePurpose": "ignore"}},
            },
        },
    }
