"""The whole life of a hub on a real cluster, as its owners and a student in a real browser live it.

Owners type the commands of the README and of docs/. The tests go on from each other. How long each step took is printed
at the end.
"""

import base64
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import browser
import pytest
import requests
import yaml
from playwright.sync_api import Page
from test_new_class import require_separate

from repositories import by_copier, release
from students import Repository, list_own_objects, sign_in, wait_until

NAME = os.environ.get("E2E_HUB_NAME", "life-hub")
OTHER = f"{NAME}-2"
FILE, TEXT = "week-1.txt", "My answer is 42"
# A kernel that goes on knows what it has computed.
CELL, NEXT_CELL = f"open('{FILE}', 'w').write('{TEXT}'); found = 6 * 7; print(found + 1, 'is next')", "print(found * 2)"
CLASS = {"course_title": "Statistics II", "admin_users": "emmy"}
TERM = {"class_times": "", "term_ends": "2027-07-23"}


@pytest.fixture(scope="module")
def repository(
    template: Path, helm: str, tmp_path_factory: pytest.TempPathFactory, chromium: str
) -> Iterator[Repository]:
    """A repository that copier has written from a release of the template, with nothing else done."""
    folder = tmp_path_factory.mktemp("life")
    made = begin(by_copier(release(template, folder), folder, {"hub_name": NAME}), helm)
    yield made
    made.remove()


@pytest.fixture(scope="module")
def other(repository: Repository, helm: str, clock) -> Iterator[Repository]:
    """The repository of another class, made from the first one."""
    answers = repository.folder.parent / "class.yaml"
    answers.write_text(yaml.safe_dump(CLASS), "utf-8")
    with clock(f"make new-class NAME={OTHER}"):
        repository.make("new-class", f"NAME={OTHER}", f"ANSWERS={answers}")
    made = begin(repository.folder.parent / OTHER, helm)
    yield made
    made.remove()


def begin(folder: Path, helm: str) -> Repository:
    """A repository of somebody with one home for both, where nothing of it is left in the cluster."""
    made = Repository(folder, helm, folder.parent / "keys")
    made.environ["COPIER"] = f"{sys.executable} -m copier"
    made.remove(wait=True)
    return made


def read_server(repository: Repository) -> dict:
    """What makes the student's server this one and no other: its pod, since when it runs, and its restarts."""
    pod = yaml.safe_load(repository.kubectl("prod", "get", "pod", "jupyter-ada", "--output=json"))
    (container,) = pod["status"]["containerStatuses"]
    state = {key: container[key] for key in ("state", "restartCount")}
    return {"uid": pod["metadata"]["uid"], "startTime": pod["status"]["startTime"], **state}


def read_limit(repository: Repository) -> str:
    """The memory limit of the student's server."""
    wanted = "jsonpath={.spec.containers[0].resources.limits.memory}"
    return repository.kubectl("prod", "get", "pod", "jupyter-ada", f"--output={wanted}")


def stop_server(page: Page, repository: Repository, address: str) -> None:
    """Stop the server with the button of the hub."""
    # The button does nothing until its script is there, after the page.
    page.goto(f"{address}/hub/home", wait_until="networkidle")
    page.click("#stop")
    page.wait_for_selector("#stop", state="hidden")
    wait_until(lambda: not repository.read_uids("prod"), "the server does not stop")


def read_token(repository: Repository) -> str:
    """The token of the service `operator`, by which `make students` asks the hub."""
    encoded = repository.kubectl("prod", "get", "secret", "operator", "--output=jsonpath={.data.*}")
    return base64.b64decode(encoded).decode()


def ask_api(address: str, token: str) -> int:
    """The status of the hub's answer to a service that lists its users."""
    return requests.get(f"{address}/hub/api/users", headers={"Authorization": f"token {token}"}, timeout=30).status_code


def read_volume(repository: Repository) -> str:
    """The volume of the student's home."""
    return repository.kubectl("prod", "get", "pvc", "claim-ada", "--output=jsonpath={.spec.volumeName}")


def test_a_hub_from_nothing(repository: Repository, clock) -> None:
    with clock("the commands' packages, by the first make"):
        repository.make("check")
    repository.run("git", "init", "--quiet", "--initial-branch=main")
    with clock("make secrets"):
        repository.make("secrets")
    pipeline = repository.run("make", "secrets-pipeline-key", "ENV=prod").stdout
    keys = repository.folder.parent / "keys"
    (keys / "first").write_text((keys / "sops/age/keys.txt").read_text("utf-8") + pipeline, "utf-8")
    repository.commit("A hub for our course")
    for env in "staging", "prod":
        with clock(f"make deploy ENV={env}, the first time"):
            assert "robot student: all checks passed" in repository.make("deploy", f"ENV={env}")


def test_more_memory_leaves_a_student_at_work_alone(repository: Repository, clock) -> None:
    with repository.forward("prod") as address, browser.open_page() as page:
        with clock("a student signs in, up to JupyterLab"):
            browser.open_lab(page, address, "ada", repository.secret("prod"))
        with clock("a notebook, a cell, a file"):
            page.locator(".jp-LauncherCard[data-category=Notebook]").first.click()
            # On a busy node, a kernel takes a minute; one that JupyterLab starts again has forgotten its variables.
            page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
            page.locator(".jp-Notebook .cm-content").first.click()
            page.keyboard.type(CELL)
            browser.run_cell(page, "43 is next")
        before = read_server(repository)
        hub = repository.folder / "config" / "hub.yaml"
        hub.write_text(hub.read_text("utf-8").replace("limit: 2G", "limit: 3G"), "utf-8")
        repository.commit("More memory")
        with clock("make deploy ENV=prod with another memory limit"):
            assert "robot student: all checks passed" in repository.make("deploy", "ENV=prod")
        assert read_server(repository) == before and read_limit(repository) == str(2 * 2**30)
        for key in "Escape", "b", "Enter":
            page.keyboard.press(key)
        page.keyboard.type(NEXT_CELL)
        browser.run_cell(page, "84")
        with clock("the student stops the server"):
            stop_server(page, repository, address)


def test_a_home_that_is_lost_comes_back(repository: Repository, clock) -> None:
    with clock("make archive ENV=prod"):
        assert "all homes are archived and compared: 1 home," in repository.make("archive", "ENV=prod")
    volume = read_volume(repository)
    repository.kubectl("prod", "delete", "pvc", "claim-ada", "--wait")
    find = ("kubectl", "get", "persistentvolume", volume, "--ignore-not-found", "--output=name")
    wait_until(lambda: not repository.run(*find).stdout, "the volume is still there")
    with clock("make restore ENV=prod STUDENT=ada"):
        assert re.search(r"ada: \d+ files restored", repository.make("restore", "ENV=prod", "STUDENT=ada"))
    with repository.forward("prod") as address, browser.open_page() as page:
        browser.open_lab(page, address, "ada", repository.secret("prod"))
        browser.read_file(page, address, "ada", FILE, TEXT)
        assert read_limit(repository) == str(3 * 2**30)


def test_a_quiet_summer(repository: Repository, clock) -> None:
    claims = repository.kubectl("prod", "get", "pvc", "--output=name")
    with clock("make pause ENV=prod"):
        repository.make("pause", "ENV=prod", "STOP_SERVERS=y")
    pods = ("get", "pods", "--field-selector=status.phase!=Succeeded", "--output=name")
    wait_until(lambda: not repository.kubectl("prod", *pods), "something runs")
    assert repository.kubectl("prod", "get", "pvc", "--output=name") == claims and "claim-ada" in claims
    with clock("make resume ENV=prod"):
        assert "robot student: all checks passed" in repository.make("resume", "ENV=prod")


def test_a_new_class_beside_it(repository: Repository, other: Repository, clock) -> None:
    other.run("git", "init", "--quiet", "--initial-branch=main")
    other.make("check")
    other.make("secrets")
    other.commit("A hub for another class")
    keys = repository.folder.parent / "keys"
    require_separate(repository.folder, (keys / "first").read_text("utf-8"), other.folder, keys)
    for env in "staging", "prod":
        with clock(f"make deploy ENV={env} of the other class"):
            assert "robot student: all checks passed" in other.make("deploy", f"ENV={env}")
    for made in repository, other:
        with clock(f"make test-hub ENV=prod in {made.folder.name}"):
            assert "robot student: all checks passed" in made.make("test-hub", "ENV=prod")


def test_students_of_one_hub_have_no_account_in_the_other(repository: Repository, other: Repository) -> None:
    passwords = [made.secret("prod") for made in (repository, other)]
    with repository.forward("prod") as first, other.forward("prod") as second:
        sign_in(first, "ada", passwords[0])
        sign_in(second, "grace", passwords[1])
        for address, name, password in (first, "ada", passwords[1]), (second, "ada", passwords[0]):
            with pytest.raises(AssertionError, match="/hub/login"):
                sign_in(address, name, password)
        for made, token in (repository, read_token(repository)), (other, read_token(other)):
            statuses = [ask_api(address, token) for address in (first, second)]
            assert statuses == ([200, 403] if made is repository else [403, 200])
    for made, stranger in (repository, "grace"), (other, "ada"):
        said = made.make("student", "ENV=prod", f"NAME={stranger}", check=False)
        assert f"NAME: nobody called '{stranger}' has signed in" in said


def test_the_pipeline_of_one_hub_sees_nothing_of_the_other(repository: Repository, other: Repository) -> None:
    accounts = {made.name: made.create_accounts(made.folder.parent) for made in (repository, other)}
    for made, stranger in (repository, other), (other, repository):
        look = ("kubectl", f"--kubeconfig={accounts[made.name]['prod']}", "get", "secrets,pvc,pods", "--output=name")
        assert "secret/hub" in made.run(*look, f"--namespace={made.name}-prod").stdout
        for namespace in f"{stranger.name}-prod", f"{stranger.name}-staging", f"{made.name}-staging":
            done = made.run(*look, f"--namespace={namespace}", check=False)
            assert done.returncode and not done.stdout and done.stderr.count("Forbidden") == 3, done.stderr
    mine = other.environ.get("KUBECONFIG")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(other.environ, "KUBECONFIG", str(accounts[NAME]["prod"]))
        said = other.make("deploy", "ENV=prod", check=False)
    assert f"may not use the namespace {OTHER}-prod" in said and other.environ.get("KUBECONFIG") == mine


def test_a_home_goes_to_the_other_hub(repository: Repository, other: Repository, clock) -> None:
    source = repository.folder.parent / f"{NAME}-archive" / "prod"
    with clock("make restore ENV=prod STUDENT=ada AS=grace in the other class"):
        said = other.make("restore", "ENV=prod", "STUDENT=ada", "AS=grace", f"FROM={source}")
    assert re.search(r"grace: \d+ files restored", said)
    with other.forward("prod") as address, browser.open_page() as page:
        browser.open_lab(page, address, "grace", other.secret("prod"))
        browser.read_file(page, address, "grace", FILE, TEXT)
        stop_server(page, other, address)


def test_a_new_term(repository: Repository, clock) -> None:
    old, volume = repository.secret("prod"), read_volume(repository)
    answers = repository.folder.parent / "term.yaml"
    answers.write_text(yaml.safe_dump(TERM), "utf-8")
    repository.make("pause", "ENV=prod", "STOP_SERVERS=y")
    with clock("make new-term OLD=2026-autumn HOMES=empty"):
        term = ("new-term", "OLD=2026-autumn", "HOMES=empty", f"ANSWERS={answers}")
        assert "the homes of 1 student are empty" in repository.make(*term, typed=f"{NAME}-prod\n")
    assert (repository.folder.parent / f"{NAME}-archive" / "term-2026-autumn" / "claim-ada.tar.gz").is_file()
    repository.commit("A new term")
    with clock("make resume ENV=prod, then make deploy ENV=prod with the new term"):
        repository.make("resume", "ENV=prod")
        assert "robot student: all checks passed" in repository.make("deploy", "ENV=prod")
    with repository.forward("prod") as address, browser.open_page() as page:
        with pytest.raises(AssertionError, match="/hub/login"):
            sign_in(address, "ada", old)
        browser.open_lab(page, address, "ada", repository.secret("prod"))
        assert FILE not in repository.kubectl("prod", "exec", "jupyter-ada", "--", "ls", "/home/jovyan")
        assert read_volume(repository) != volume


def test_the_end(repository: Repository, other: Repository, clock) -> None:
    assert "students are at work (1)" in repository.make("destroy", "ENV=prod", typed=f"{NAME}-prod", check=False)
    repository.make("pause", "ENV=prod", "STOP_SERVERS=y")
    for made, gap in (repository, "ada: it has changed since its archive"), (other, "grace: no archive"):
        assert gap in made.make("destroy", "ENV=prod", typed=f"{made.name}-prod", check=False)
    for made in repository, other:
        made.make("archive", "ENV=prod")
        said = made.make("destroy", "ENV=prod", typed=f"{made.name}-staging", check=False)
        assert f"nothing was deleted: '{made.name}-staging' is not {made.name}-prod" in said
        for env in "prod", "staging":
            with clock(f"make destroy ENV={env} in {made.folder.name}"):
                assert f"{made.name}-{env} is deleted" in made.make("destroy", f"ENV={env}", typed=f"{made.name}-{env}")
    releases = [f"{made.name}-{env}" for made in (repository, other) for env in ("staging", "prod")]
    # The storage deletes a volume after its claim.
    wait_until(lambda: not any(map(list_own_objects, releases)), str([*map(list_own_objects, releases)]))
    # Helm keeps its releases in these, in any state.
    names = "--output=jsonpath={.items[*].metadata.labels.name}"
    kept = repository.kubectl("prod", "get", "secrets", "--all-namespaces", "--selector=owner=helm", names)
    assert not {*releases} & {*kept.split()}
