"""`make impact` on kinds of change: each sentence is right, nothing else is said, and no secret value appears."""

import base64
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from repositories import change_values, commit, run_deployer

HUB = "The hub restarts: for some seconds nobody can sign in or start a server. Running servers are not affected."
PROXY = (
    "The proxy restarts: every open notebook loses its connection for some seconds, then reconnects. Running cells are "
    "not affected."
)
IMAGE = {"name": "registry.example.edu/course", "tag": "2026-11-23"}


def user(**values: object) -> dict:
    """Values of the students' servers."""
    return {"jupyterhub": {"singleuser": values}}


# What is changed in config/hub.yaml, and the whole of what is said; a pattern, because images and prices may change.
CHANGES = {
    "a memory limit": (
        user(memory={"limit": "3G"}),
        [HUB, "A student's memory limit goes from 2G to 3G, for servers that start after the deploy."],
    ),
    "a memory guarantee": (
        user(memory={"guarantee": "1G"}),
        [
            HUB,
            "A student's memory guarantee goes from 2G to 1G, for servers that start after the deploy.",
            re.compile(r"Seats go from 24 to 52 \(13 per node\); the peak is 20 students\."),
        ],
    ),
    "an image": (
        user(image=IMAGE),
        [
            HUB,
            re.compile(
                r"The image goes from \S+ to registry\.example\.edu/course:2026-11-23, which is pulled on up to 4 "
                r"nodes before the hub changes\. Running servers keep the old one until they are stopped\."
            ),
        ],
    ),
    "culling": (
        {"jupyterhub": {"cull": {"timeout": 1800}}},
        [HUB, "Idle servers are stopped after 1800 seconds (now: 3600)."],
    ),
    "the peak": ({"course": {"peak": 15}}, ["The peak goes from 20 to 15 students; there are 24 seats."]),
    "the homes": (
        user(storage={"dynamic": {"pvcNameTemplate": "home-{username}"}}),
        [
            HUB,
            "DANGER: singleuser.storage.dynamic.pvcNameTemplate goes from the default to home-{username}: "
            "everybody would find an empty home. Move the files first, or undo this change.",
        ],
    ),
    "what a new student gets": (
        user(storage={"capacity": "20Gi"}, defaultUrl="/tree", cpu={"limit": 1}),
        [
            HUB,
            "The volume of a new student goes from 10Gi to 20Gi; existing volumes keep their size.",
            "What opens after sign-in goes from /lab to /tree, for servers that start after the deploy.",
            "A student's CPU limit goes from 2 to 1, for servers that start after the deploy.",
        ],
    ),
    "the proxy": (
        {"jupyterhub": {"proxy": {"chp": {"resources": {"limits": {"memory": "1Gi"}}}}}},
        [HUB, PROXY],
    ),
    "the staff": (
        {"jupyterhub": {"hub": {"loadRoles": {"course-observers": {"scopes": ["list:users"], "users": ["ada"]}}}}},
        [HUB, "Who may do what on the hub changes: see the role course-observers below."],
    ),
    "the hub's database": (
        {"jupyterhub": {"hub": {"db": {"pvc": {"storage": "2Gi"}}}}},
        [HUB, "DANGER: the PersistentVolumeClaim hub-db-dir changes; Kubernetes lets it grow, and rejects the rest."],
    ),
    "objects": (
        {"jupyterhub": {"prePuller": {"continuous": {"enabled": False}}}},
        [HUB, "It is deleted: DaemonSet continuous-image-puller, ServiceAccount continuous-image-puller."],
    ),
}


@pytest.fixture
def repository(edited: Callable[..., Path]) -> Path:
    """A repository with the default answers and one commit."""
    made = edited()
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=made, check=True)
    commit(made, "A hub for our course")
    return made


def change(repository: Path, values: dict, file: str = "config/hub.yaml") -> None:
    """Merge values into a file of the repository."""
    change_values(repository / file, values)


def impact(repository: Path, **environ: str) -> str:
    """What `make impact BASE=main` prints."""
    done = run_deployer(repository, "impact", "--base=main", **environ)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def bullets(said: str) -> list[str]:
    """The sentences."""
    return [line.removeprefix("- ") for line in said.split("<details>")[0].splitlines() if line.startswith("- ")]


@pytest.mark.parametrize("kind", CHANGES)
def test_each_kind_of_change(repository: Path, chart: Path, kind: str) -> None:
    values, expected = CHANGES[kind]
    change(repository, values)
    said = impact(repository)
    found = bullets(said)
    assert "### staging and prod" in said
    assert len(found) == len(expected), found
    for sentence in expected:
        assert any(
            sentence.fullmatch(line) if isinstance(sentence, re.Pattern) else sentence == line for line in found
        ), (
            sentence,
            found,
        )
    assert (HUB in found) == ("```diff" in said)


def test_what_is_for_people_changes_nothing(repository: Path, chart: Path) -> None:
    (repository / "README.md").write_text("Ours.\n", "utf-8")
    assert impact(repository).strip() == "### staging and prod\n\n- Nothing changes in the cluster."


def test_one_environment_alone(repository: Path, chart: Path) -> None:
    change(repository, {"jupyterhub": {"cull": {"timeout": 900}}}, "config/staging.yaml")
    said = impact(repository)
    assert "### staging\n" in said and "### prod\n\n- Nothing changes in the cluster." in said
    assert "The objects of staging, secrets redacted" in said
    assert "+    timeout: 900" in said or "+  timeout: 900" in said


def test_staging_that_goes_and_comes(repository: Path, chart: Path) -> None:
    (repository / "config/staging.yaml").rename(repository / "staging.yaml")
    said = impact(repository)
    assert said.endswith("### prod\n\n- Nothing changes in the cluster.\n\n"), said
    assert said.startswith("### staging\n\n- Nothing deploys staging any more. Its hub stays there: before")
    commit(repository, "Prod alone")
    (repository / "staging.yaml").rename(repository / "config/staging.yaml")
    assert "- The pipeline deploys staging as well. `make secrets` creates its secrets." in impact(repository)


def test_another_chart(repository: Path, helm: str, chart: Path, tmp_path: Path) -> None:
    with tarfile.open(chart) as packed:
        packed.extractall(tmp_path, filter="data")
    metadata = tmp_path / "jupyterhub" / "Chart.yaml"
    metadata.write_text(metadata.read_text("utf-8").replace("version: 4.4.0", "version: 4.4.1"), "utf-8")
    charts = tmp_path / "charts"
    subprocess.run([helm, "package", tmp_path / "jupyterhub", "--destination", charts], check=True, capture_output=True)
    shutil.copy(chart, charts)
    path = repository / "chart" / "Chart.yaml"
    path.write_text(path.read_text("utf-8").replace("version: 4.4.0", "version: 4.4.1"), "utf-8")
    found = bullets(impact(repository, Z2JH_CHART=str(charts)))
    assert "The chart goes from jupyterhub-4.4.0 to jupyterhub-4.4.1: the hub's database is copied first." in found
    assert HUB in found


def test_no_secret_value_appears(repository: Path, chart: Path) -> None:
    new = "1f5a" * 16
    for cipher, value in (("first", "a plain value of before"), ("second", new)):
        fakes = {"hub": {"cookieSecret": new if cipher == "second" else "2b" * 32}}
        change(repository, {"jupyterhub": fakes}, "chart/ci/fake-secrets.yaml")
        for env in "staging", "prod":
            (repository / "secrets").mkdir(exist_ok=True)
            encrypted = {
                "hub": {"cookieSecret": f"ENC[AES256_GCM,data:{cipher}]", "config": "ENC[AES256_GCM,data:same]"}
            }
            metadata = {"mac": f"ENC[AES256_GCM,data:mac-of-{cipher}]"}
            text = yaml.safe_dump({"secretsFor": env, "jupyterhub": encrypted, "sops": metadata})
            (repository / "secrets" / f"{env}.yaml").write_text(text, "utf-8")
        change(repository, {"jupyterhub": {"hub": {"extraEnv": {"COURSE_API_TOKEN": value}}}})
        if cipher == "first":
            commit(repository, "Secrets")
    said = impact(repository)
    assert (
        "Secrets change: jupyterhub.hub.cookieSecret. The hub restarts; running servers are not affected."
        in bullets(said)
    )
    assert "Everybody has to sign in again: the secret of the cookies changes." in bullets(said)
    for secret in (new, "2b" * 32):
        assert secret not in said
        assert base64.b64encode(secret.encode()).decode() not in said
    assert "(redacted" in said


def test_secrets_that_go(repository: Path, chart: Path) -> None:
    (repository / "secrets").mkdir()
    path = repository / "secrets" / "prod.yaml"
    path.write_text("secretsFor: prod\njupyterhub: {hub: {cookieSecret: 'ENC[AES256_GCM,data:a]'}}\n", "utf-8")
    commit(repository, "Secrets")
    path.unlink()
    assert bullets(impact(repository)) == [
        "Nothing changes in the cluster.",
        "DANGER: secrets/prod.yaml is deleted, and without it the deploy stops.",
    ]


def test_a_base_that_is_not_there(repository: Path) -> None:
    done = run_deployer(repository, "impact", "--base=no-such-branch")
    assert done.returncode == 1
    assert "BASE: there is no commit 'no-such-branch'. Write the one to compare with" in done.stderr


def test_a_configuration_that_is_rejected(repository: Path, chart: Path) -> None:
    change(repository, user(memory={"guarantee": "9G"}))
    done = run_deployer(repository, "impact", "--base=main")
    assert done.returncode == 1
    assert "this working tree does not render" in done.stderr and "memory" in done.stderr
    worktrees = subprocess.run(["git", "worktree", "list"], cwd=repository, capture_output=True, text=True, check=True)
    assert worktrees.stdout.count("\n") == 1
