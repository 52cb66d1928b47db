"""Both pipelines, on this machine by act and gitlab-ci-local: what is built, pushed and deployed, and what stops them.

Real are the repository's commands, the builds (with what $CONTAINER names), a registry on loopback that wants a
password, the cluster and the accounts that the pipeline has there. Replaced are the actions that need the internet, the
tools that mise would fetch, and GitHub's command that takes the comment. They run in this order.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from hubs import free_port

from repositories import npm_package
from students import Repository

# The newest that runs with Node.js 20.
GITLAB_CI_LOCAL = "gitlab-ci-local@4.70.1"
USER, PASSWORD = "course", "only-for-this-test"
# The password in bcrypt, as the registry reads it.
HTPASSWD = f"{USER}:$2b$04$K5o.vGpWbv1FcLkCcWWGZ.vRHswnbkHac028l4Sks/O/OConHy8rG\n"
# These variables say how to build. GitLab's pipeline says it itself.
ENGINE = ("CONTAINER", "BUILDAH_ISOLATION", "CONTAINERS_STORAGE_CONF")
BASE = "quay.io/jupyter/scipy-notebook"


def here(address: str) -> bool:
    """Whether an address is one of this machine's."""
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


class Registry:
    """Debian's docker-registry on loopback; who pushes and who pulls needs the password."""

    def __init__(self, folder: Path) -> None:
        for tool in "docker-registry", "skopeo", "buildah", "rsync":
            if not shutil.which(tool):
                pytest.skip(f"builds, pushes and copies with Debian's packages: apt-get install {tool}")
        self.at = f"127.0.0.1:{free_port()}"
        (folder / "htpasswd").write_text(HTPASSWD, "utf-8")
        settings = {
            "version": "0.1",
            "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": str(folder / "registry")}},
            "http": {"addr": self.at},
            "auth": {"htpasswd": {"realm": "registry", "path": str(folder / "htpasswd")}},
        }
        (folder / "registry.yaml").write_text(yaml.safe_dump(settings), "utf-8")
        with (folder / "registry.log").open("w") as log:
            self.process = subprocess.Popen(
                ["docker-registry", "serve", str(folder / "registry.yaml")], stdout=log, stderr=log
            )
        # Without TLS, and, where quay.io is out of reach, instead of it.
        instead = (
            [f'[[registry]]\nprefix = "{BASE}"\nlocation = "{self.at}/base"\n'] if "E2E_STAND_IN" in os.environ else []
        )
        plain = f'[[registry]]\nlocation = "{self.at}"\ninsecure = true\n'
        # `buildah login` reads it in a home only.
        self.home = folder / "home"
        settings = self.home / ".config" / "containers"
        settings.mkdir(parents=True)
        (settings / "registries.conf").write_text(
            "\n".join([*(f"{part}insecure = true\n" for part in instead), plain]), "utf-8"
        )

    def environ(self) -> dict[str, str]:
        """How the engines find it."""
        return {"HOME": str(self.home), "REGISTRY_AUTH_FILE": str(self.home / "auth.json")}

    def skopeo(self, *arguments: str) -> str:
        """Return the output of skopeo. Raises CalledProcessError."""
        environ = os.environ | self.environ()
        return subprocess.run(["skopeo", *arguments], check=True, capture_output=True, text=True, env=environ).stdout

    def base(self) -> str:
        """The image to build on: that of the answers, or the stand-in of $E2E_STAND_IN under the same name."""
        if "E2E_STAND_IN" not in os.environ:
            return ""
        there = f"docker://{self.at}/base:stand-in"
        self.skopeo("copy", "--quiet", f"--dest-creds={USER}:{PASSWORD}", os.environ["E2E_STAND_IN"], there)
        digest = self.skopeo("inspect", "--format={{.Digest}}", f"--creds={USER}:{PASSWORD}", there)
        return f"{BASE}:stand-in@{digest.strip()}"

    def digest(self, reference: str) -> str:
        """The digest of an image in the registry."""
        inspect = ("inspect", "--no-tags", "--format={{.Digest}}", f"--creds={USER}:{PASSWORD}")
        return self.skopeo(*inspect, f"docker://{reference}").strip()

    def tags(self) -> list[str]:
        """The tags of the course's image."""
        try:
            listed = self.skopeo("list-tags", f"--creds={USER}:{PASSWORD}", f"docker://{self.at}/course/image")
            return json.loads(listed)["Tags"]
        except subprocess.CalledProcessError:
            return []


class Pipeline(Repository):
    """A repository whose pipeline runs here."""

    def __init__(self, folder: Path, helm: str, beside: Path, registry: Registry) -> None:
        super().__init__(folder, helm, beside / "keys")
        self.beside, self.registry = beside, registry
        self.kubeconfigs: dict[str, Path] = {}
        # The tools that mise would install.
        self.bin = beside / "bin"
        self.bin.mkdir()
        for name in ("helm", "kubectl", "sops", "uv"):
            path = os.environ.get(name.upper()) or shutil.which(name) or str(Path(sys.executable).with_name(name))
            (self.bin / name).symlink_to(shutil.which(path))
        (self.bin / "mise").write_text("#!/bin/sh\nexec helm version --short\n", "utf-8")
        (self.bin / "mise").chmod(0o755)
        self.environ |= registry.environ() | {"PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}"}
        del self.environ["HELM"], self.environ["SOPS"]

    def key(self) -> str:
        """The key that opens the secrets."""
        return (self.beside / "keys" / "sops" / "age" / "keys.txt").read_text("utf-8")

    def accounts(self) -> None:
        """Make the accounts of docs/cluster.md."""
        self.kubeconfigs = self.create_accounts(self.beside)

    def put(self, file: str, text: str) -> None:
        """Write a file of the repository."""
        (self.folder / file).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / file).write_text(text, "utf-8")

    def require(self, package: str) -> None:
        """Add a package to the image."""
        path = self.folder / "image" / "requirements.txt"
        path.write_text(path.read_text("utf-8") + f"{package}\n", "utf-8")
        self.run("make", "image-lock")

    def image(self) -> str:
        """The image of the commit that is checked out."""
        return self.run_deployer("image", "tag").stdout.strip()

    def deployed(self, env: str) -> tuple[str, str]:
        """The commit of an environment's release, and the image that its students get."""
        listed = [self.environ.get("HELM", "helm"), "list", f"--namespace={self.name}-{env}", "--output=json"]
        assert [item["status"] for item in json.loads(self.run(*listed).stdout)] == ["deployed"]
        said = self.run_deployer("status", f"--env={env}").stdout
        wanted = "jsonpath={.data.values\\.yaml}"
        secret = self.kubectl(env, "get", "secret", "hub", f"--output={wanted}")
        decoded = subprocess.run(
            ["base64", "--decode"], input=secret, capture_output=True, text=True, check=True
        ).stdout
        image = yaml.safe_load(decoded)["singleuser"]["image"]
        reference, _, digest = f"{image['name']}:{image['tag']}".partition("@")
        assert digest == self.registry.digest(reference)
        return re.search(r"is deployed, (\w+)", said)[1], reference

    def head(self) -> str:
        return self.run("git", "log", "-1", "--format=%h").stdout.strip()

    def revision(self, env: str) -> str:
        """The number of an environment's revision."""
        listed = self.kubectl(env, "get", "secrets", "--selector=owner=helm,status=deployed", "--output=name")
        return listed.strip().rpartition(".v")[2]

    def runner(self, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run the jobs, without what people have here: the ways to the cluster and the secrets, the engine."""
        mine = ("KUBECONFIG", "XDG_CONFIG_HOME", *ENGINE)
        given = {name: text for name, text in self.environ.items() if name not in mine} | environ
        done = subprocess.run(command, cwd=self.folder, env=given, capture_output=True, text=True)
        print(done.stdout, done.stderr)
        return done

    def push(self) -> subprocess.CompletedProcess[str]:
        """What a push to main starts."""
        raise NotImplementedError

    def propose(self, ours: bool = True) -> subprocess.CompletedProcess[str]:
        """What the request to merge the branch `proposal` starts: of this project, or of a fork."""
        raise NotImplementedError

    def comments(self) -> list[str]:
        """The comments under the request."""
        raise NotImplementedError


# Composite actions in place of those that need the internet.
STUBS = {
    "jdx/mise-action": {"run": 'echo "{bin}" >> "$GITHUB_PATH"'},
    "docker/login-action": {
        "run": 'printenv PASSWORD | buildah login --username "$NAME" --password-stdin "$REGISTRY"',
        "env": {
            "NAME": "${{ inputs.username }}",
            "PASSWORD": "${{ inputs.password }}",
            "REGISTRY": "${{ inputs.registry }}",
        },
    },
    # The cache is kept when the artifact of the same file is.
    "actions/cache": {"run": 'cp "{beside}/artifacts/pushed-images/pushed-images.txt" . || true'},
    "actions/upload-artifact": {"run": 'mkdir -p "{kept}" && cp "${{ inputs.path }}" "{kept}"'},
    "actions/download-artifact": {"run": 'cp "{kept}/"* .'},
}


class GitHub(Pipeline):
    """GitHub Actions, by act."""

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        # GitHub's own command, of which the arguments and the text are kept. act asks it for a token.
        kept = self.beside / "comment"
        script = f'#!/bin/sh -e\n[ "$1" = pr ]\necho "$@" > {kept}\ncat impact.md >> {kept}\n'
        (self.bin / "gh").write_text(script, "utf-8")
        (self.bin / "gh").chmod(0o755)

    def accounts(self) -> None:
        """Besides: act knows no environments, so that one account gets into both namespaces."""
        super().accounts()
        whom = f"--serviceaccount={self.name}-staging:deployer"
        self.kubectl("prod", "create", "rolebinding", "deployer-of-staging", "--clusterrole=admin", whom)

    def stubs(self) -> list[str]:
        """act's arguments for the actions that are replaced."""
        arguments = []
        texts = [path.read_text("utf-8") for path in (self.folder / ".github" / "workflows").iterdir()]
        for action, commit in sorted(set(re.findall(r"uses: ([\w-]+/[\w-]+)@(\w+)", "".join(texts)))):
            if action not in STUBS:
                continue
            stub = self.beside / "actions" / action
            stub.mkdir(parents=True, exist_ok=True)
            step = json.loads(json.dumps({**STUBS[action], "shell": "bash"}))
            step["run"] = step["run"].replace("{kept}", "{beside}/artifacts/${{ inputs.name }}")
            step["run"] = step["run"].replace("{bin}", str(self.bin)).replace("{beside}", str(self.beside))
            names = ("registry", "username", "password", "name", "path", "key")
            inputs = {name: {"required": False} for name in names}
            told = {"name": "stub", "description": "stub", "inputs": inputs}
            (stub / "action.yml").write_text(
                yaml.safe_dump({**told, "runs": {"using": "composite", "steps": [step]}}), "utf-8"
            )
            arguments.append(f"--local-repository={action}@{commit}={stub}")
        return arguments

    def act(self, event: str, workflow: str, payload: dict) -> subprocess.CompletedProcess[str]:
        """Run a workflow."""
        (self.beside / "event.json").write_text(json.dumps(payload), "utf-8")
        secrets = {
            "KUBECONFIG": self.kubeconfigs["staging"].read_text("utf-8"),
            "SOPS_AGE_KEY": self.key(),
            "REGISTRY_PASSWORD": PASSWORD,
        }
        passed = ["Z2JH_CHART", *ENGINE, *self.registry.environ()]
        command = [
            str(Path(sys.executable).with_name("act")),
            event,
            f"--workflows=.github/workflows/{workflow}",
            "--platform=ubuntu-24.04=-self-hosted",
            "--action-offline-mode",
            f"--action-cache-path={self.beside / 'act'}",
            f"--eventpath={self.beside / 'event.json'}",
            f"--var=REGISTRY_USERNAME={USER}",
            "--no-cache-server",
            *self.stubs(),
            *(f"--env={name}={self.environ[name]}" for name in passed if name in self.environ),
            *(f"--secret={name}" for name in secrets),
        ]
        return self.runner(*command, **secrets)

    def push(self) -> subprocess.CompletedProcess[str]:
        return self.act("push", "deploy.yaml", {"ref": "refs/heads/main"})

    def propose(self, ours: bool = True) -> subprocess.CompletedProcess[str]:
        # GitHub checks out the merge.
        self.run("git", "checkout", "--quiet", "-B", "merge", "main")
        self.run("git", "merge", "--quiet", "--no-ff", "--message=Merge", "proposal")
        repository = {"full_name": "org/hub"}
        pull = {"number": 7, "head": {"repo": repository if ours else {"full_name": "fork/hub"}}}
        told = {"pull_request": pull, "repository": repository, "number": 7}
        (self.beside / "comment").unlink(missing_ok=True)
        return self.act("pull_request", "pull-request.yaml", told)

    def comments(self) -> list[str]:
        path = self.beside / "comment"
        if not path.exists():
            return []
        told, text = path.read_text("utf-8").split("\n", 1)
        assert told == "pr comment 7 --edit-last --create-if-none --body-file impact.md"
        return [text]


class GitLab(Pipeline):
    """GitLab CI, by gitlab-ci-local."""

    def run_jobs(self, **variables: str) -> subprocess.CompletedProcess[str]:
        kubeconfigs = {env: path.read_text("utf-8") for env, path in self.kubeconfigs.items()}
        settings = {
            "KUBECONFIG": {"type": "file", "values": kubeconfigs},
            "SOPS_AGE_KEY": {"type": "variable", "values": {env: self.key() for env in kubeconfigs}},
            "REGISTRY_USERNAME": USER,
            "REGISTRY_PASSWORD": PASSWORD,
        }
        (self.beside / "variables.yaml").write_text(yaml.safe_dump(settings), "utf-8")
        command = [
            str(npm_package(GITLAB_CI_LOCAL) / ".bin" / "gitlab-ci-local"),
            "--force-shell-executor",
            "--shell-isolation",
            "--no-artifacts-to-source",
            "--variables-file=../variables.yaml",
            "--state-dir=../state",
            *(f"--variable={name}={text}" for name, text in variables.items()),
        ]
        return self.runner(*command)

    def push(self) -> subprocess.CompletedProcess[str]:
        return self.run_jobs()

    def propose(self, ours: bool = True) -> subprocess.CompletedProcess[str]:
        self.run("git", "checkout", "--quiet", "proposal")
        base = self.run("git", "merge-base", "main", "proposal").stdout.strip()
        # A fork's pipeline has none of the project's variables, and this one reads none either.
        return self.run_jobs(CI_PIPELINE_SOURCE="merge_request_event", CI_MERGE_REQUEST_DIFF_BASE_SHA=base)

    def comments(self) -> list[str]:
        """What the request links to."""
        found = sorted((self.beside / "state").rglob("impact.md"), key=lambda path: path.stat().st_mtime)
        return [path.read_text("utf-8") for path in found[-1:]]


@pytest.fixture(scope="module", params=[GitHub, GitLab], ids=["github", "gitlab"])
def pipeline(request, bake: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """A new repository with an image of its own, and the cluster's accounts for its pipeline."""
    addresses = "jsonpath={.items[*].status.addresses[?(@.type=='InternalIP')].address}"
    nodes = subprocess.run(["kubectl", "get", "nodes", f"--output={addresses}"], capture_output=True, text=True)
    if not all(here(address) for address in nodes.stdout.split()):
        pytest.skip(
            "needs a cluster of one node, this machine, which pulls from a registry on loopback: k3s, for instance"
        )
    folder = tmp_path_factory.mktemp("pipeline")
    registry = Registry(folder)
    answers = {"ci": request.param.__name__.lower(), "image_name": f"{registry.at}/course/image"}
    if base := registry.base():
        answers["image_base"] = base
    # Another name lets two runs share a cluster.
    source = bake(hub_name=os.environ.get("E2E_HUB_NAME", "pipeline-hub"), **answers)
    made = request.param(Path(shutil.copytree(source, folder / "hub")), os.environ["HELM"], folder, registry)
    made.run("git", "init", "--quiet", "--initial-branch=main")
    made.run("git", "remote", "add", "origin", f"git@{answers['ci']}.com:org/hub.git")
    config = made.folder / "config" / "hub.yaml"
    config.write_text(config.read_text("utf-8").replace("fill-in--registry-username", USER), "utf-8")
    made.run_deployer("keys", "mine")
    made.run_deployer("secrets", "make")
    for env in "staging", "prod":
        key = "--key=jupyterhub.imagePullSecret.password"
        made.run(sys.executable, "-m", "deployer", "secrets", "set", f"--env={env}", key, typed=PASSWORD)
    made.commit("A hub for our course")
    made.remove(wait=True)
    made.accounts()
    yield made
    registry.process.terminate()
    made.remove()


def test_a_first_push_builds_and_deploys(pipeline: Pipeline) -> None:
    done = pipeline.push()
    assert done.returncode == 0
    assert pipeline.registry.tags() == [pipeline.image().rpartition(":")[2]]
    for env in "staging", "prod":
        assert pipeline.deployed(env) == (pipeline.head(), pipeline.image())


def test_a_change_of_config_builds_no_image(pipeline: Pipeline) -> None:
    tags = pipeline.registry.tags()
    pipeline.change({"jupyterhub": {"cull": {"timeout": 1800}}}, "Stop idle servers after half an hour")
    done = pipeline.push()
    assert done.returncode == 0
    assert "is in the registry, nothing to do" in done.stdout and "STEP" not in done.stdout
    assert pipeline.registry.tags() == tags
    for env in "staging", "prod":
        assert pipeline.deployed(env) == (pipeline.head(), pipeline.image())


def test_another_requirement_is_built_pushed_and_deployed(pipeline: Pipeline) -> None:
    tags = pipeline.registry.tags()
    pipeline.require("humanize==4.12.3")
    # The robot student imports it in what was deployed.
    pipeline.change({"robotStudent": {"imports": ["humanize"]}}, "We need humanize")
    done = pipeline.push()
    assert done.returncode == 0
    new = pipeline.image()
    assert sorted(pipeline.registry.tags()) == sorted([*tags, new.rpartition(":")[2]]) and len(tags) == 1
    assert done.stdout.count("imports: humanize") == 2
    for env in "staging", "prod":
        assert pipeline.deployed(env) == (pipeline.head(), new)


def test_the_same_content_again_is_not_built_again(pipeline: Pipeline) -> None:
    tags = pipeline.registry.tags()
    pipeline.undo()
    assert pipeline.image().rpartition(":")[2] in tags
    done = pipeline.push()
    assert done.returncode == 0
    assert "is in the registry, nothing to do" in done.stdout and "STEP" not in done.stdout
    assert pipeline.registry.tags() == tags
    for env in "staging", "prod":
        assert pipeline.deployed(env) == (pipeline.head(), pipeline.image())


def unchanged(pipeline: Pipeline, sentence: str, *environments: str) -> str:
    """Push, and fail with a sentence, before anything happens to some environments: what was said."""
    before = {env: pipeline.revision(env) for env in environments}
    tags = pipeline.registry.tags()
    done = pipeline.push()
    assert done.returncode != 0 and sentence in done.stdout + done.stderr
    assert {env: pipeline.revision(env) for env in environments} == before
    assert pipeline.registry.tags() == tags
    pipeline.undo()
    return done.stdout


def test_a_mistake_stops_before_the_image(pipeline: Pipeline) -> None:
    pipeline.change({"jupyterhub": {"singleuser": {"memory": {"limitt": "4G"}}}}, "More memory")
    said = unchanged(pipeline, "limitt", "staging", "prod")
    assert "image-push" not in said


NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "id": "a",
            "source": "import no_such_module",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        }
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


def test_a_failing_image_test_stops_before_staging(pipeline: Pipeline) -> None:
    pipeline.put("image/tests/week-1.ipynb", json.dumps(NOTEBOOK))
    pipeline.commit("The notebook of week 1")
    unchanged(pipeline, "No module named 'no_such_module'", "staging", "prod")


def test_a_failing_robot_stops_before_prod(pipeline: Pipeline) -> None:
    good, revision = pipeline.deployed("staging"), int(pipeline.revision("staging"))
    pipeline.change({"robotStudent": {"imports": ["no_such_module"]}}, "Week 1 needs this")
    said = unchanged(pipeline, "no_such_module", "prod")
    assert f"{pipeline.name}-staging is back at what revision" in said
    # The one that failed, and the way back.
    assert int(pipeline.revision("staging")) == revision + 2
    assert pipeline.deployed("staging") == good


def test_a_request_is_tested_and_told_what_it_would_do(pipeline: Pipeline) -> None:
    tags, before = pipeline.registry.tags(), [pipeline.revision(env) for env in ("staging", "prod")]
    pipeline.run("git", "checkout", "--quiet", "-b", "proposal")
    pipeline.require("humanize==4.11.0")
    pipeline.change({"jupyterhub": {"singleuser": {"memory": {"limit": "3G"}}}}, "More memory")
    done = pipeline.propose()
    assert done.returncode == 0
    (comment,) = pipeline.comments()
    assert pipeline.image() in comment and "memory limit goes from 2G to 3G" in comment
    assert PASSWORD not in comment
    assert "STEP" in done.stdout
    assert (pipeline.registry.tags(), [pipeline.revision(env) for env in ("staging", "prod")]) == (tags, before)


def test_a_fork_gets_no_comment(pipeline: Pipeline) -> None:
    done = pipeline.propose(ours=False)
    assert done.returncode == 0
    # On GitLab nobody gets one: what the merge will do is a link.
    assert not pipeline.comments() or isinstance(pipeline, GitLab)
