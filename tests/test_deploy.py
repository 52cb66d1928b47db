"""What the commands of a deploy say before there is a cluster to say it to; tests/e2e has the rest."""

import importlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from repositories import TEMPLATE, commit, objects, render, run_deployer, run_python


@pytest.fixture
def repository(edited: Callable[..., Path]) -> Path:
    """A repository under git, with nothing committed."""
    made = edited()
    subprocess.run(["git", "init", "--quiet"], cwd=made, check=True)
    return made


def rejected(repository: Path, command: str, *arguments: str, **environ: str) -> str:
    """What a command says when it stops."""
    done = run_deployer(repository, command, *arguments, "--env=staging", **environ)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stdout + done.stderr
    return done.stderr


def test_nothing_is_deployed_without_a_commit(repository: Path) -> None:
    assert "there is no commit yet" in rejected(repository, "deploy")


def test_a_dirty_tree_is_rejected_and_its_files_are_named(repository: Path) -> None:
    commit(repository)
    (repository / "config" / "new.yaml").write_text("a: b\n", "utf-8")
    said = rejected(repository, "deploy")
    assert "Commit or stash" in said and "config/new.yaml" in said


def test_secrets_are_wanted_before_the_cluster_is_asked(repository: Path, chart: Path) -> None:
    commit(repository)
    assert "secrets/staging.yaml is missing: run `make secrets`" in rejected(repository, "deploy", KUBECTL="/bin/false")


@pytest.mark.parametrize("timeout", ["10", "ten minutes", "", "-5m"])
def test_a_time_limit_that_helm_does_not_read(repository: Path, timeout: str) -> None:
    assert f"TIMEOUT: '{timeout}' is not" in rejected(repository, "deploy", f"--timeout={timeout}")


def wanted(command: str) -> None:
    """Skip without a command that `mise install` brings."""
    if not shutil.which(command):
        pytest.skip(f"{command} is not there (mise install)")


def test_missing_dns_is_said_and_is_no_failure(bake) -> None:
    wanted("kubectl")
    repository = bake(tls="ingress", hub_domain="hub.course.invalid")
    code = "from deployer.cluster import dns; print(*dns.describe_access('prod'), sep='\\n')"
    done = run_python(repository, code, env=os.environ | {"KUBECONFIG": os.devnull})
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "Point hub.course.invalid at the address of the cluster's entrance (docs/cluster.md): it points nowhere "
        "yet. The hub itself is well.\n"
    )


@pytest.mark.parametrize("command", ["rollback", "test-hub"])
def test_no_cluster(repository: Path, command: str) -> None:
    wanted("kubectl")
    said = rejected(repository, command, KUBECONFIG=os.devnull)
    assert said.startswith("kubectl reaches no cluster: The connection to the server localhost:8080 was refused")
    assert said.count("\n") == 1 and "memcache.go" not in said
    assert said == run_deployer(repository, "preflight", "--env=staging", KUBECONFIG=os.devnull).stderr


def test_the_values_and_the_command_for_those_who_run_helm_by_hand(repository: Path, chart: Path, helm: str) -> None:
    done = run_deployer(repository, "values", "--env=prod")
    assert yaml.safe_load(done.stdout)["environment"] == "prod"
    comment = [line.removeprefix("#").strip() for line in done.stdout.splitlines() if line.startswith("#")]
    command = " ".join(comment[1:]).replace("\\", "")
    assert command.startswith("sops decrypt secrets/prod.yaml | helm upgrade --install data-science-hub-prod chart")
    run_python(repository, "from deployer import chart; chart.build_dependency()", check=True)
    # The same, rendered, with the fakes in the place of the secrets.
    fakes = command.replace("sops decrypt secrets/prod.yaml", "cat chart/ci/fake-secrets.yaml")
    there = fakes.replace("helm upgrade --install", f"{helm} template")
    rendered = subprocess.run(["bash", "-c", there], cwd=repository, capture_output=True, text=True, env=os.environ)
    assert rendered.returncode == 0, rendered.stderr
    assert "name: hub" in rendered.stdout


def test_a_pause_stops_each_kind_of_object_that_has_pods(bake: Callable[..., Path], chart: Path) -> None:
    made = bake(class_times="mon 10:00-11:30")
    # The hooks of an upgrade are gone after it.
    found = [item for item in objects(render(made, "prod")) if "helm.sh/hook" not in str(item["metadata"])]
    kinds = {item["kind"] for item in found if {"template", "jobTemplate"} & item.get("spec", {}).keys()}
    code = "from deployer.cluster import pause; print(*pause.SCALED, pause.ON_NODES, pause.TIMED)"
    assert kinds == set(run_python(made, code).stdout.split())


ROOM = """
from deployer.cluster import capacity

def request(memory, **spec):
    return {"containers": [{"resources": {"requests": {"memory": memory}}}], **spec}

node = {"metadata": {"name": "one"}, "spec": {}, "status": {"allocatable": {"cpu": "2", "memory": "4Gi"}}}
hub = {"metadata": {"name": "hub"}, "spec": {"template": {"spec": request("192Mi")}}}
pods = [{"spec": request("4Gi", nodeName="one", priority=priority), "status": {}} for priority in (-10, 0)]
print([len(capacity.find_unplaced([hub], [node], [pod])) for pod in pods])
"""


def test_a_placeholder_leaves_room_for_the_pods_of_a_hub(bake: Callable[..., Path]) -> None:
    assert run_python(bake(), ROOM).stdout == "[0, 1]\n"


@pytest.mark.parametrize(
    ("number", "autoscaler", "said"),
    [
        (
            1,
            (1, "Error from server (NotFound)"),
            "students have 1 node, course.node.max is 3, and no autoscaler was found",
        ),
        (
            2,
            (1, "Error from server (Forbidden)"),
            "students have 2 nodes, course.node.max is 3, and an autoscaler may not",
        ),
        (1, (0, ""), ""),
        (3, (1, "Error from server (NotFound)"), ""),
        (4, (1, "Error from server (NotFound)"), "students have 4 nodes; course.node.max is 3"),
    ],
)
def test_fewer_nodes_than_the_seats_are_counted_from(
    monkeypatch: pytest.MonkeyPatch, number: int, autoscaler: tuple[int, str], said: str
) -> None:
    """What kubectl answers where an autoscaler is looked for is written here: tests/e2e/ has a cluster without one."""
    monkeypatch.syspath_prepend(TEMPLATE / "<<cookiecutter.hub_name>>")
    nodes = importlib.import_module("deployer.preflight.nodes")
    node = nodes.course.Node(memory=14 << 30, max=3, reserved=0, cpu=None, pods=None, disks=None, price=None)
    server = nodes.course.Server(memory=2 << 30, cpu=0, has_volume=False)
    found = nodes.course.Course(20, node, server, nodes.course.Calendar(0, (), None))
    answer = SimpleNamespace(returncode=autoscaler[0], stderr=autoscaler[1], stdout="")
    monkeypatch.setattr(nodes, "find_tool", str)
    monkeypatch.setattr(nodes, "run", lambda *_: answer)
    sentences = [finding.sentence for finding in nodes.compare_number(number, found)]
    assert [sentence[: len(said)] for sentence in sentences] == ([said] if said else [])
    if number < 3 and said:
        assert f"today's nodes have {7 * number} seats, and course.peak is 20. Add nodes" in sentences[0]


def test_preflight_leaves_the_cluster_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a first deploy pods are tried in a namespace that goes again; tests/e2e/ does it on a cluster."""
    monkeypatch.syspath_prepend(TEMPLATE / "<<cookiecutter.hub_name>>")
    namespace = importlib.import_module("deployer.preflight.namespace")
    done, asked = SimpleNamespace(returncode=0, stderr=""), list[tuple[str, ...]]()
    there: dict[str, dict] = {}
    monkeypatch.setattr(namespace.chart, "name_release", lambda env: f"hub-{env}")
    monkeypatch.setattr(namespace.values, "read_values", lambda _: {})
    monkeypatch.setattr(namespace.kubectl, "read_object", lambda *_: there)
    monkeypatch.setattr(namespace.kubectl, "run_in", lambda *words, **_: asked.append(words) or done)
    (finding,) = namespace.check_namespace("prod")
    assert finding.sentence == "the namespace hub-prod is not there yet; the first deploy creates it"
    assert asked.pop() == ("hub-prod", "create", "--filename=-", "--dry-run=server") and not asked
    with pytest.raises(KeyboardInterrupt), namespace.borrow_namespace("prod") as (name, reason):
        assert (name, reason) == ("hub-prod-preflight", "")
        raise KeyboardInterrupt
    assert [words[:2] for words in asked] == [(name, "delete"), (name, "create"), (name, "delete")]
    there["metadata"] = {"labels": {}}
    with namespace.borrow_namespace("prod") as (name, _):
        assert name == "hub-prod"
    assert len(asked) == 3
