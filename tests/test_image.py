"""The image: its reference in every environment, its tag from its content, its lock."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from repositories import TEMPLATE, commit, git, objects, render, run_deployer, run_python

OWN = {"image_name": "registry.example.edu/course/image"}
STACKS = ["base", "datascience", "julia", "minimal", "pytorch", "r", "scipy", "tensorflow"]


def tag(repository: Path) -> str:
    done = run_deployer(repository, "image", "tag")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("registry.example.edu/course/image:")
    return done.stdout.strip().rpartition(":")[2]


@pytest.fixture
def own(edited: Callable[..., Path]) -> Path:
    """A repository with an image of its own, under git, with nothing committed yet."""
    repository = edited(**OWN)
    git(repository, "init", "--quiet", "--initial-branch=main")
    return repository


def test_every_stack_that_may_be_asked_for_is_pinned() -> None:
    questions = json.loads((TEMPLATE / "cookiecutter.json").read_text("utf-8"))
    pattern = questions["_patterns"]["image_base"]
    table = (TEMPLATE / "templates" / "lib" / "docker_stacks.jinja").read_text("utf-8")
    assert sorted(re.findall(r'"([a-z]+)-notebook": "2026', table)) == STACKS
    for name in STACKS:
        assert re.fullmatch(pattern, f"{name}-notebook")
        # JupyterHub 6 came on 2026-09-01; the hub of the chart is a 5.
        assert re.search(rf'"{name}-notebook": "2026-0(7-28|8-31|9-01)(@sha256:[0-9a-f]{{64}})?"', table)


@pytest.mark.parametrize(
    ("base", "name", "tag"),
    [
        ("registry.example.edu:5000/a/b:1", "registry.example.edu:5000/a/b", "1"),
        ("registry.example.edu:5000/a/b:2026-07-28", "registry.example.edu:5000/a/b", "2026-07-28"),
        (f"quay.io/a/b:1@sha256:{'0' * 64}", "quay.io/a/b", f"1@sha256:{'0' * 64}"),
        (f"registry.example.edu:5000/a@sha256:{'0' * 64}", "registry.example.edu:5000/a@sha256", "0" * 64),
    ],
)
def test_name_and_tag_are_strings_that_join_to_the_base(bake, base: str, name: str, tag: str) -> None:
    config = yaml.safe_load((bake(image_base=base) / "config" / "hub.yaml").read_text("utf-8"))
    assert config["jupyterhub"]["singleuser"]["image"] == {"name": name, "tag": tag}
    assert f"FROM {base} AS course" in (bake(image_base=base, **OWN) / "image" / "Dockerfile").read_text("utf-8")


def test_without_a_name_nothing_is_built(bake) -> None:
    repository = bake()
    assert not (repository / "image").exists()
    assert "image" not in (repository / "Makefile").read_text("utf-8")
    assert "imagePullSecret" not in (repository / "config" / "hub.yaml").read_text("utf-8")


@pytest.mark.parametrize(
    ("platform", "image", "asked"),
    [
        ("any", "ghcr.io/org/name", True),
        ("gke", "ghcr.io/org/name", True),
        ("gke", "europe-docker.pkg.dev/project/repository/name", False),
        ("any", "europe-docker.pkg.dev/project/repository/name", True),
        ("eks", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/name", False),
        ("aks", "course.azurecr.io/name", False),
    ],
)
def test_a_password_to_pull_is_among_the_secrets_where_the_cloud_has_none(bake, platform, image, asked) -> None:
    repository = bake(platform=platform, image_name=image)
    config = yaml.safe_load((repository / "config" / "hub.yaml").read_text("utf-8"))["jupyterhub"]
    fakes = yaml.safe_load((repository / "chart" / "ci" / "fake-secrets.yaml").read_text("utf-8"))["jupyterhub"]
    assert ("imagePullSecret" in config) is asked
    assert ("imagePullSecret" in fakes) is asked


def test_tag_is_the_tree_hash(own: Path) -> None:
    before = tag(own)
    commit(own)
    assert tag(own) == before == git(own, "rev-parse", "HEAD:image")


def test_tag_leaves_no_trace(own: Path) -> None:
    commit(own)
    (own / "image" / "new.txt").write_text("new\n")
    status = git(own, "status", "--porcelain")
    assert "?? image/new.txt" in status
    tag(own)
    assert git(own, "status", "--porcelain") == status


def test_tag_without_a_repository_is_the_same(own: Path) -> None:
    before = tag(own)
    shutil.rmtree(own / ".git")
    assert tag(own) == before


def test_tag_in_a_folder_that_another_repository_ignores(own: Path) -> None:
    before = tag(own)
    shutil.rmtree(own / ".git")
    git(own.parent, "init", "--quiet")
    (own.parent / ".gitignore").write_text("*\n")
    assert tag(own) == before


def change_content(image: Path) -> None:
    with (image / "requirements.txt").open("a") as file:
        file.write("pandas==2.3.3\n")


def change_mode(image: Path) -> None:
    (image / "tests" / "test_image.py").chmod(0o755)


def change_name(image: Path) -> None:
    (image / "apt.txt").rename(image / "packages.txt")


def add_file(image: Path) -> None:
    (image / "new.txt").touch()


def remove_file(image: Path) -> None:
    (image / "apt.txt").unlink()


@pytest.mark.parametrize("change", [change_content, change_mode, change_name, add_file, remove_file])
@pytest.mark.parametrize("committed", [True, False], ids=["committed", "never-committed"])
def test_other_content_is_another_tag(own: Path, change: Callable[[Path], None], committed: bool) -> None:
    if committed:
        commit(own)
    before = tag(own)
    change(own / "image")
    changed = tag(own)
    assert changed != before
    git(own, "add", "--all")
    assert tag(own) == changed
    commit(own)
    assert tag(own) == changed == git(own, "rev-parse", "HEAD:image")


def test_what_is_no_part_of_the_image_changes_nothing(own: Path) -> None:
    before = tag(own)
    (own / "image" / "tests" / "__pycache__").mkdir()
    (own / "image" / "tests" / "__pycache__" / "x.pyc").touch()
    (own / "image" / "empty").mkdir()
    with (own / "config" / "hub.yaml").open("a") as file:
        file.write("# a comment\n")
    assert tag(own) == before


def test_both_environments_get_the_tag(own: Path, chart: Path) -> None:
    expected = f"registry.example.edu/course/image:{tag(own)}"
    for env in "staging", "prod":
        pullers = [item for item in objects(render(own, env)) if item["kind"] == "DaemonSet"]
        spec = pullers[0]["spec"]["template"]["spec"]
        assert expected in [one["image"] for one in [*spec["initContainers"], *spec["containers"]]]


def test_a_deploy_gets_the_digest_that_was_pushed_last(own: Path, chart: Path, tmp_path: Path) -> None:
    keys = {"HOME": str(tmp_path / "home"), "XDG_CONFIG_HOME": str(tmp_path / "home")}

    def tell(*arguments: str, typed: str = "") -> None:
        command = [sys.executable, "-m", "deployer", *arguments]
        done = subprocess.run(command, cwd=own, env=os.environ | keys, input=typed, text=True, capture_output=True)
        assert done.returncode == 0, done.stderr

    tell("keys", "mine")
    tell("secrets", "make")
    # Values that only a person knows.
    tell("secrets", "set", "--env=prod", "--key=jupyterhub.imagePullSecret.password", typed="only-for-this-test")
    config = own / "config" / "hub.yaml"
    config.write_text(config.read_text("utf-8").replace("fill-in--registry-username", "course"), "utf-8")
    name = f"registry.example.edu/course/image:{tag(own)}"
    old, new = (f"sha256:{digit * 64}" for digit in "ab")
    lines = [f"{name}@{old}", f"{name}@{new}", f"registry.example.edu/course/image:{'0' * 40}@{old}"]
    code = """from deployer import chart
chart.build_dependency()
done = chart.run_helm_with_secrets("prod", "template", chart.name_release("prod"), "chart")
print(done.stdout, done.stderr)"""
    for written, wanted in ([], name), (lines, f"{name}@{new}"):
        (own / "pushed-images.txt").write_text("".join(f"{line}\n" for line in written), "utf-8")
        done = run_python(own, code, env=os.environ | keys)
        rendered = done.stdout + done.stderr
        assert f"image: {wanted}\n" in rendered, rendered
        # What a request compares does not depend on the machine.
        assert old not in run_deployer(own, "render", "--env=prod").stdout


@pytest.mark.parametrize("file", ["hub", "staging"])
def test_a_tag_in_config_is_rejected(own: Path, file: str) -> None:
    path = own / "config" / f"{file}.yaml"
    text = path.read_text("utf-8")
    if file == "hub":
        path.write_text(text.replace("tag: ''", "tag: latest"), encoding="utf-8")
    else:
        path.write_text(text + "jupyterhub: {singleuser: {image: {tag: latest}}}\n", encoding="utf-8")
    done = run_deployer(own, "check", "--offline")
    assert done.returncode == 1
    assert f"config/{file}.yaml: jupyterhub.singleuser.image.tag is 'latest', but the content of image/" in done.stderr


@pytest.mark.parametrize("interface", ["lab", "notebook", "rstudio", "vscode"])
def test_a_new_repository_has_the_lock_of_its_requirements(bake, interface: str) -> None:
    done = run_deployer(bake(interface=interface, image_base="datascience-notebook", **OWN), "image", "check-lock")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("nbgitpuller==1.3.0", "nbgitpuller==1.2.2", "look at nbgitpuller"),
        ("nbgitpuller==1.3.0", "", "look at nbgitpuller"),
        ("nbgitpuller==1.3.0", "nbgitpuller==1.3.0\npandas==2.3.3", "look at pandas"),
        ("nbgitpuller==1.3.0", "git+https://git.example.edu/x", "'git+https://git.example.edu/x' is not a package"),
        # The lock names it, but nobody asked for it.
        ("nbgitpuller==1.3.0", "nbgitpuller==1.3.0\ntornado", "look at tornado"),
    ],
)
def test_another_lock_is_rejected(own: Path, old: str, new: str, sentence: str) -> None:
    path = own / "image" / "requirements.txt"
    path.write_text(path.read_text("utf-8").replace(old, new), encoding="utf-8")
    done = run_deployer(own, "image", "check-lock")
    assert done.returncode == 1
    assert sentence in done.stderr


def test_make_lock_is_what_check_wants(own: Path) -> None:
    with (own / "image" / "requirements.txt").open("a") as file:
        file.write("humanize>=4 # any\n")
    assert run_deployer(own, "image", "check-lock").returncode == 1
    done = run_deployer(own, "image", "lock", UV=str(Path(sys.executable).parent / "uv"))
    assert done.returncode == 0, done.stderr
    assert run_deployer(own, "image", "check-lock").returncode == 0
    assert "://" not in (own / "image" / "requirements.lock").read_text("utf-8")


@pytest.fixture
def nothing_but_git(tmp_path: Path) -> str:
    """A PATH without an engine."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(shutil.which("git"))
    return str(tmp_path / "bin")


def test_an_engine_that_is_not_known_is_named(own: Path) -> None:
    done = run_deployer(own, "image", "build", CONTAINER="rkt")
    assert done.returncode == 1
    assert "CONTAINER: 'rkt' is not one of docker, podman, buildah. Write one of them" in done.stderr


@pytest.mark.parametrize("action", ["build", "test", "push"])
def test_without_an_engine_each_is_named(own: Path, nothing_but_git: str, action: str) -> None:
    done = run_deployer(own, "image", action, PATH=nothing_but_git, CONTAINER="")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "no engine to build with: docker is not installed; podman is not installed; buildah is not installed."
    )


def test_the_tag_needs_no_engine(own: Path, nothing_but_git: str) -> None:
    done = run_deployer(own, "image", "tag", PATH=nothing_but_git)
    assert (done.returncode, done.stdout.strip().rpartition(":")[2]) == (0, tag(own))


@pytest.mark.parametrize(
    ("interface", "base"),
    [
        ("lab", "base-notebook"),
        ("lab", "datascience-notebook"),
        ("rstudio", "datascience-notebook"),
        ("vscode", "datascience-notebook"),
        ("rstudio", "registry.example.edu/ready/image:1"),
    ],
)
def test_the_linter_finds_nothing_in_the_dockerfile(bake, interface: str, base: str) -> None:
    dockerfile = bake(interface=interface, image_base=base, **OWN) / "image" / "Dockerfile"
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([hadolint, "--no-color", dockerfile], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_lock_keeps_the_versions_of_the_base(own: Path) -> None:
    base = re.search(r"^FROM (\S+)", (own / "image" / "Dockerfile").read_text("utf-8"), re.MULTILINE)[1]
    uv = str(Path(sys.executable).parent / "uv")
    without = run_deployer(own, "image", "lock", UV=uv)
    assert "image/constraints.txt is missing: packages of the base may get another version" in without.stderr
    (own / "image" / "constraints.txt").write_text(
        f"# The packages of {base}\nanyio==4.9.0\nnbgitpuller==1.2.2\n", "utf-8"
    )
    (own / "image" / "requirements.txt").write_text("nbgitpuller\n", "utf-8")
    done = run_deployer(own, "image", "lock", UV=uv)
    assert done.returncode == 0 and "constraints.txt" not in done.stderr, done.stderr
    lock = (own / "image" / "requirements.lock").read_text("utf-8")
    assert "\nanyio==4.9.0 " in lock and "\nnbgitpuller==1.2.2 " in lock
    (own / "image" / "requirements.txt").write_text("nbgitpuller==1.3.0\n", "utf-8")
    rejected = run_deployer(own, "image", "lock", UV=uv)
    assert "The base has other versions (image/constraints.txt): require what it has" in rejected.stderr
    assert (own / "image" / "requirements.lock").read_text("utf-8") == lock
    dockerfile = own / "image" / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text("utf-8").replace(base, "quay.io/another/base:1"), "utf-8")
    (own / "image" / "requirements.txt").write_text("nbgitpuller\n", "utf-8")
    assert "image/constraints.txt is that of another base" in run_deployer(own, "image", "lock", UV=uv).stderr
