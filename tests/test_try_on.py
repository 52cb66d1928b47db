"""What `make try ON=…` says before it touches a cluster, and the values to which it reduces staging."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sign_ins import RULES

from repositories import build_dependency


def run(repository: Path, *arguments: str, **environ: str) -> str:
    """Run a command that stops. Return what it says."""
    command = [sys.executable, "-m", "deployer", *arguments]
    environ = {**os.environ, "KUBECONFIG": "/dev/null", **environ}
    done = subprocess.run(command, cwd=repository, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr


def test_programs_that_are_missing_are_named_together(bake: Callable[..., Path], tmp_path: Path) -> None:
    said = run(bake(), "try-on", "--on=kind", PATH=str(tmp_path), HELM="helm", KUBECTL="kubectl")
    assert said.startswith("ON=kind: not on the PATH: helm, kubectl, kind, docker. `mise install` brings helm")


def test_nfs_is_not_tried(bake: Callable[..., Path], helm: str) -> None:
    said = run(bake(storage="nfs"), "try-on", "--on=lab", "--robot", HELM=helm, KUBECTL=sys.executable)
    assert "jupyterhub.singleuser.storage: a trial has no NFS server." in said


def test_there_is_nothing_to_remove(bake: Callable[..., Path]) -> None:
    assert run(bake(), "try-down").startswith("there is no trial on a cluster.")


REDUCED = """
import json, sys
from deployer import chart, values
from deployer.paths import TRIAL, TRIAL_FOLDER, TRIAL_VALUES
from deployer.secrets import sops
from deployer.trial import small_values

small_values.read_architecture = lambda: "arm64"
small_values.require_possible()
small_values.write_values()
print(json.dumps({"arguments": values.list_helm_arguments(TRIAL), "secrets": sops.read_secrets(TRIAL)}))
"""


@pytest.mark.chart
@pytest.mark.parametrize(
    ("rule", "tls", "platform"),
    [
        ("shared-password", "none", "any"),
        ("github", "ingress", "k3s"),
        ("cilogon", "gateway", "gke"),
        ("lti13", "autohttps", "eks"),
        ("oidc", "offload", "aks"),
    ],
)
def test_the_guards_accept_staging_reduced(
    edited: Callable[..., Path], helm: str, rule: str, tls: str, platform: str
) -> None:
    domain = {"hub_domain": "hub.example.edu"} if tls != "none" else {}
    repository = edited(**RULES[rule], tls=tls, platform=platform, **domain)
    build_dependency(repository)
    done = subprocess.run([sys.executable, "-c", REDUCED], cwd=repository, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    name = f"{repository.name}-try"
    command = [helm, "template", name, "chart", f"--namespace={name}", *found["arguments"], "--values=-"]
    command += ["--api-versions=apiregistration.k8s.io/v1"]
    rendered = subprocess.run(command, cwd=repository, input=found["secrets"], capture_output=True, text=True)
    assert rendered.returncode == 0, rendered.stderr
    for kind in ("Ingress", "Gateway", "HTTPRoute", "Issuer", "CronJob", "ClusterRole"):
        assert f"\nkind: {kind}\n" not in rendered.stdout
    # The stand-in has no pods of the chart's own.
    assert "NO_CHART" in os.environ or "kubernetes.io/arch: arm64" in rendered.stdout
