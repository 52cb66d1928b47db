"""`make try`: a real hub on this machine, from the values of a repository, for each way to sign in."""

import html
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import hubs
import psutil
import pytest
import trials
import yaml
from sign_ins import DOMAIN, RULES

IN, OUT = 302, 403
# Names, whether they are in what the rules name, and what the hub decides.
PEOPLE = {
    "github": [("ada", True, IN), ("eve", False, OUT), ("octo-cat", False, IN)],
    "google": [("ada@example.edu", False, IN), ("hopper@example.edu", False, IN), ("eve@other.edu", True, OUT)],
    "cilogon": [("ada@example.edu", True, IN), ("eve@example.edu", False, OUT)],
    "microsoft-groups": [("grace@a.edu", True, IN), ("ada@a.edu", False, IN), ("eve@a.edu", False, OUT)],
    "oidc": [("ada", False, IN), ("lin", True, IN), ("eve", False, OUT)],
    "lti13-names": [("ada@a.edu", False, IN), ("hopper@a.edu", False, IN), ("eve@a.edu", False, OUT)],
}


def read_decisions(page: str) -> dict[str, bool]:
    """Who is on the page of the stand-in, and whether it says that the rules let them in."""
    text = html.unescape(re.sub(r"<[^>]+>", " ", page))
    found = re.findall(r"(\S+)\s*, (?:course staff|a student|somebody else):\s+the rules (let|keep)", text)
    return {name: decision == "let" for name, decision in found}


@pytest.mark.parametrize("rule", PEOPLE)
def test_a_stand_in_lets_in_whom_the_rules_let_in(edited, rule: str) -> None:
    repository = edited(**RULES[rule], **DOMAIN)
    with trials.running(repository) as trial:
        browser = hubs.Browser(trial.link)
        assert "a stand-in takes its place" in browser.sign_in_page()
        path, query = trial.open_provider(browser)
        said = read_decisions(browser.get(path, params=query).text)
        staff, student, outsider = list(said)
        assert said[staff] and said[student], said
        assert said[outsider] == (RULES[rule].get("sign_in_allow", "everybody") == "everybody")
        for name, member, decision in [*PEOPLE[rule], (outsider, False, IN if said[outsider] else OUT)]:
            assert trial.choose(name, member) == decision, name
        assert trial.choose(staff, True, password="a guess") == OUT  # noqa: S106
    assert trial.list_processes() == []


# What the chart's file sets and deployer/trial/loader.py does not: it takes a cluster, or hub_config.py sets it.
OF_A_CLUSTER = re.compile(
    r"ConfigurableHTTPProxy\.\w+|JupyterHub\.(cleanup_servers|db_url|hub_bind_url|hub_connect_url)|"
    r"KubeSpawner\.(\w*affinity\w*|\w*volume\w*|storage_\w+|extra_\w+|image_pull_\w+|allow_privilege_escalation|"
    r"common_labels|init_containers|lifecycle_hooks|namespace|node_selector|priority_class_name|scheduler_name|"
    r"service_account|tolerations)"
)
COMPARE = """
import json, os, sys
from pathlib import Path
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader
from deployer.trial import configuration, loader

folder, package = Path(sys.argv[1]), Path(sys.argv[2])
values = configuration.read_trial_values("staging", folder)
os.environ.update(configuration.list_chart_environment(1, 2))
sys.stdout, out = sys.stderr, sys.stdout
theirs = PyFileConfigLoader(configuration.write_chart_config(folder, package, values)).load_config()
ours = Config()
loader.load(ours, values)

def flatten(config):
    named = {f"{section}.{trait}": value for section, traits in config.items() for trait, value in traits.items()}
    for trait in "services", "load_roles":
        named[f"JupyterHub.{trait}"].sort(key=lambda item: item["name"])
    return named

# Functions, of which each side has its own, are compared by their names.
json.dump([flatten(ours), flatten(theirs)], out, default=lambda value: getattr(value, "__qualname__", str(value)))
"""
# Everything that the loader reads, and what real hubs add by hand.
BY_HAND = {
    "hub": {
        "allowNamedServers": True,
        "namedServerLimitPerUser": 2,
        "baseUrl": "/course/",
        "redirectToServer": False,
        "shutdownOnLogout": True,
        "authenticatePrometheus": False,
        "templateVars": {"announcement": "Welcome"},
        "extraConfig": {"mine": "c.Spawner.debug = get_config('cull.timeout') == 600"},
        "services": {"grader": {"url": "http://127.0.0.1:9999", "apiToken": "0" * 64}},
    },
    "singleuser": {
        "profileList": [{"display_name": "Large", "kubespawner_override": {"mem_limit": "4G"}}],
        "cpu": {"limit": 2},
        "events": False,
        "startTimeout": 77,
    },
    "cull": {"timeout": 600, "users": True, "adminUsers": False, "removeNamedServers": True, "maxAge": 7200},
    "debug": {"enabled": True},
}


@pytest.mark.parametrize("by_hand", [{}, BY_HAND], ids=["as it is written", "with everything"])
@pytest.mark.parametrize("rule", ["shared-password", "cilogon", "lti13"])
def test_the_loader_and_the_charts_own_file_agree(
    edited, chart: Path, tmp_path: Path, rule: str, by_hand: dict
) -> None:
    repository = edited(course_content="https://example.edu/statistics.git", **RULES[rule], **DOMAIN)
    change(repository, {"jupyterhub": by_hand})
    folder = tmp_path / "trial"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", COMPARE, folder, chart], cwd=repository, capture_output=True, text=True, check=True
    )
    ours, theirs = json.loads(done.stdout)
    assert set(ours) <= set(theirs)
    assert [name for name in set(theirs) - set(ours) if not OF_A_CLUSTER.fullmatch(name)] == []
    # Of the volumes, a trial has those that extraConfig adds.
    assert ours.pop("KubeSpawner.volumes").items() <= theirs["KubeSpawner.volumes"].items()
    assert ours.pop("KubeSpawner.volume_mounts").items() <= theirs["KubeSpawner.volume_mounts"].items()
    assert {name: value for name, value in ours.items() if theirs[name] != value} == {}


@pytest.fixture(scope="module")
def shared(bake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[trials.Running]:
    """A trial with the default answers."""
    repository = Path(shutil.copytree(bake(), tmp_path_factory.mktemp("shared") / "hub"))
    with trials.running(repository) as trial:
        yield trial


def test_it_says_how_to_sign_in(shared: trials.Running) -> None:
    students, staff = shared.read_passwords()
    ada, instructor = hubs.Browser(shared.link), hubs.Browser(shared.link)
    assert ada.sign_in("ada", "a guess") == OUT
    assert ada.sign_in("instructor", students) == OUT
    assert ada.sign_in("ada", students) == IN
    assert instructor.sign_in("instructor", staff) == IN
    assert instructor.api("GET", "/user").json()["admin"]
    lines = shared.printed.splitlines()
    assert sum("A cluster shows them" in line for line in lines) == 1
    assert all(re.match(r" *[0-9]+\.[0-9] s  \S", line) for line in lines[: lines.index("")])


def test_nothing_listens_beyond_loopback(shared: trials.Running) -> None:
    shared.start_server()
    mine = set(shared.list_pids())
    listening = [one for one in psutil.net_connections("inet") if one.status == "LISTEN" and one.pid in mine]
    assert len(listening) >= 4
    assert {one.laddr.ip for one in listening} == {"127.0.0.1"}


def test_a_second_one_says_where_the_first_is(shared: trials.Running) -> None:
    done = subprocess.run(trials.COMMAND, cwd=shared.repository, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith(f"A trial of this repository runs already, at {shared.link}/ (process ")
    assert hubs.Browser(shared.link).get("/hub/login").status_code == 200


def test_a_port_that_is_taken_gets_a_sentence(edited) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with trials.starting(edited(), "--port", str(port)) as trial:
            assert trial.process.wait(30) == 1
    assert re.fullmatch(
        rf"PORT: another program listens on port {port} of this machine. Run `make try PORT=[0-9]+`\n", trial.printed
    )
    assert trial.list_processes() == []


@pytest.mark.parametrize(
    ("killed", "says"),
    [
        ("hub", "The hub was killed by signal 9. Everything else is stopped."),
        pytest.param(
            "command",
            "",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent"),
        ),
    ],
)
def test_whatever_is_killed_nothing_stays(edited, killed: str, says: str) -> None:
    with trials.running(edited()) as trial:
        trial.start_server()
        assert any("ipykernel" in command for command in trial.list_processes())
        os.kill(trial.process.pid if killed == "command" else trial.find_program(killed), signal.SIGKILL)
        status = trial.process.wait(60)
        assert status == (-9 if killed == "command" else 1)
        assert says in trial.printed
        end = time.monotonic() + 30
        while (left := trial.list_processes()) and time.monotonic() < end:
            time.sleep(0.5)
        assert left == []


def test_it_continues_with_the_homes(edited) -> None:
    with trials.running(edited()) as trial:
        (trial.folder / "homes" / "ada").mkdir(parents=True)
        password = trial.read_passwords()
        assert trial.stop() == 0
    assert trial.printed.splitlines()[-1].startswith("Stopped. The homes stay in .try/homes")
    with trials.running(trial.repository) as again:
        assert again.read_passwords() == password
        assert (trial.folder / "homes" / "ada").is_dir()


def in_namespace(command: str, *options: str) -> list[str]:
    """A command in namespaces of its own; skips where these cannot be made."""
    wrap = ["unshare", *options, "sh", "-euc", command]
    if subprocess.run(["unshare", *options, "true"], capture_output=True).returncode:
        pytest.skip("takes a namespace of its own: run the tests as root on Linux, with unshare of util-linux")
    return wrap


def test_no_room_on_the_disk_gets_a_sentence(edited, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = f"mount -t tmpfs -o size=1m tmpfs '{small}'; XDG_CACHE_HOME='{small}' {' '.join(trials.COMMAND)} --robot"
    # What is small enough may be there, in the folder of a complete installation.
    left = rf"find '{small}/z2jh-template/trial' -mindepth 1 -type d -prune ! -exec test -e {{}}/complete \; -print"
    command = in_namespace(f"{mount} || status=$?; {left}; exit $status", "--mount")
    done = subprocess.run(command, cwd=edited(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "no room on the disk for" in done.stderr and "run `make try` again" in done.stderr
    assert "Traceback" not in done.stderr
    assert str(small) not in done.stdout, "something half-made was left there"


def test_the_first_time_takes_a_network_and_later_ones_do_not(edited, tmp_path: Path) -> None:
    repository = edited()
    up = "ip link set lo up"
    command = in_namespace(f"{up}; XDG_CACHE_HOME='{tmp_path}/new' {' '.join(trials.COMMAND)} --robot", "--net")
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "the package index is out of reach" in done.stderr and "Traceback" not in done.stderr
    subprocess.run([*trials.COMMAND, "--robot"], cwd=repository, check=True, timeout=300)
    command = in_namespace(f"{up}; {' '.join(trials.COMMAND)} --robot", "--net")
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "robot student: all checks passed" in done.stdout


def change(repository: Path, values: dict) -> None:
    """Merge values into config/hub.yaml."""

    def merge(base: dict, over: dict) -> dict:
        return base | {
            key: merge(base.get(key) or {}, value) if isinstance(value, dict) else value for key, value in over.items()
        }

    path = repository / "config" / "hub.yaml"
    path.write_text(yaml.safe_dump(merge(yaml.safe_load(path.read_text("utf-8")), values)), "utf-8")
