"""A teaching assistant's day on a real cluster: who is on, what is wrong with whom, a restart, an announcement.

The tests go on from each other, in this order.
"""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
import requests
import yaml

from students import Student, sign_in

# Two students whose servers do not start.
BROKEN = """
def break_servers(spawner):
    if spawner.user.name == "eve":
        spawner.image = "registry.invalid/no/such-image:1"
    if spawner.user.name == "dan":
        spawner.mem_limit = spawner.mem_guarantee = "900G"

c.KubeSpawner.pre_spawn_hook = break_servers
"""


@pytest.fixture(scope="module")
def env(repository) -> str:
    """The environment, once its hub is deployed."""
    repository.change({"jupyterhub": {"hub": {"extraConfig": {"broken": BROKEN}}}}, "Two servers that do not start")
    repository.deploy()
    return "staging"


def ask(repository, command: str, *options: str) -> str:
    """What a command prints. It is shown in the log of the test."""
    done = repository.run_deployer(command, "--env=staging", *options)
    print(f"--- make {command} {' '.join(options)}\n{done.stdout}")
    return done.stdout


def test_who_is_on(repository, address: str) -> None:
    assert ask(repository, "students") == f"{repository.name}-staging: nobody has a server\n"


def test_a_student_whose_server_runs(repository, student: Student) -> None:
    line = ask(repository, "students").splitlines()[2]
    assert re.fullmatch(r"ada +ready +.* ago +.* ago +\S+ of 2G +\S+", line)
    said = ask(repository, "student", "--name=ada")
    assert said.startswith("ada: server ready, last active ") and "PROBLEM" not in said
    assert re.search(r"^pod      jupyter-ada, Running, started .* ago, 0 restarts$", said, re.M)
    assert re.search(r"^memory   \d+M of 2G \(\d+ %\)$", said, re.M)
    assert re.search(r"^home     (.* )?\S+ of \S+ \(\d+ %\)( are in use)?$", said, re.M)
    assert "Started: " in said and "Jupyter Server" in said.split("lines of the log")[1]


def test_an_announcement_restarts_nothing(repository, address: str, student: Student) -> None:
    everything = "component in (hub,proxy,singleuser-server)"
    pods = repository.read_uids("staging", everything)
    start = time.monotonic()
    ask(repository, "announce", "--text=The exam begins at <10>")
    for path, cookies in ("login", None), ("home", student.session.cookies):
        # Not in the student's session: the proxy closes a connection after 5 idle seconds, behind port-forward unseen.
        page = requests.get(f"{address}/hub/{path}", cookies=cookies, timeout=10)
        assert "The exam begins at &lt;10&gt;" in page.text
    until = datetime.now().astimezone() + timedelta(seconds=8)
    ask(repository, "announce", "--text=For a moment", f"--until={until.isoformat()}")
    assert "For a moment" in ask(repository, "announce")
    assert "For a moment" in requests.get(f"{address}/hub/login", timeout=10).text
    time.sleep(max(0, (until - datetime.now().astimezone()).total_seconds()))
    assert "For a moment" not in requests.get(f"{address}/hub/login", timeout=10).text
    ask(repository, "announce", "--text=")
    assert "nothing is announced" in ask(repository, "announce")
    assert repository.read_uids("staging", everything) == pods
    assert student.closed is None and student.gap(start) < 1


def test_a_restart_gives_a_new_server(repository, student: Student) -> None:
    before = repository.read_uids("staging", "hub.jupyter.org/username=ada")
    assert "the server of ada is ready" in ask(repository, "restart-server", "--name=ada")
    after = repository.read_uids("staging", "hub.jupyter.org/username=ada")
    assert after and after != before


@pytest.mark.parametrize(("name", "sentence"), [("eve", "ImagePullBackOff: the image"), ("dan", "No node has room")])
def test_a_sentence_says_why_a_server_does_not_start(repository, address: str, name: str, sentence: str) -> None:
    sign_in(address, name, repository.secret("staging"))
    end = time.monotonic() + 60
    while f"PROBLEM  {sentence}" not in (said := ask(repository, "student", f"--name={name}")):
        assert time.monotonic() < end, said
        time.sleep(3)
    assert said.startswith(f"{name}: server not ready (spawn)")
    assert {"eve": "registry.invalid", "dan": "Insufficient memory"}[name] in said.split("PROBLEM")[1].splitlines()[0]


def test_mistakes_get_a_sentence(repository) -> None:
    for options, sentence in {
        ("--env=staging", "--name=nobody"): "NAME: nobody called 'nobody' has signed in.",
        ("--env=staging", "--name="): "NAME: missing. Write the student's user name",
        ("--env=prod", "--name=ada"): f"{repository.name}-prod: nothing is deployed. `make deploy ENV=prod` does it",
    }.items():
        done = repository.run_deployer("student", *options, check=False)
        assert done.returncode == 1 and done.stderr.startswith(sentence), done.stderr


@contextmanager
def acting_as_assistant(repository, folder) -> Iterator[None]:
    """Give the repository's commands the rights that docs/students.md gives to a teaching assistant."""
    namespace = f"--namespace={repository.name}-staging"
    repository.run("kubectl", namespace, "create", "serviceaccount", "assistant")
    for name, role in ("views", "--clusterrole=view"), ("assists", "--role=teaching-assistant"):
        account = f"--serviceaccount={repository.name}-staging:assistant"
        repository.run("kubectl", namespace, "create", "rolebinding", f"assistant-{name}", role, account)
    token = repository.run("kubectl", namespace, "create", "token", "assistant").stdout.strip()
    shown = repository.run("kubectl", "config", "view", "--minify", "--raw", "--flatten", "--output=json").stdout
    config = yaml.safe_load(shown)
    config["users"][0]["user"] = {"token": token}
    (folder / "kubeconfig").write_text(yaml.safe_dump(config), "utf-8")
    before = repository.environ
    repository.environ = {**before, "KUBECONFIG": str(folder / "kubeconfig")}
    yield
    repository.environ = before


def test_a_teaching_assistant_needs_few_rights(repository, tmp_path) -> None:
    with acting_as_assistant(repository, tmp_path):
        for verb, what in ("get", "secret/hub"), ("create", "pods/exec"), ("delete", "pods"), ("patch", "configmaps"):
            done: subprocess.CompletedProcess[str] = repository.run(
                "kubectl", f"--namespace={repository.name}-staging", "auth", "can-i", verb, what, check=False
            )
            assert done.stdout.strip() == "no", (verb, what)
        assert re.search("^ada +ready", ask(repository, "students"), re.M)
        said = ask(repository, "student", "--name=ada")
        assert "home     measured in a running server only, with the right to run `df` there (pods/exec)" in said
        assert "Jupyter Server" in said
        ask(repository, "announce", "--text=By an assistant")
        assert "By an assistant" in ask(repository, "announce")
        ask(repository, "restart-server", "--name=ada")
