"""The seats of a class: the script and the guard have one arithmetic, and it is the right one."""

import importlib
import json
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2 import Environment, FileSystemLoader
from matrix import QUESTIONS

from repositories import TEMPLATE, change_values, run_deployer, run_python

MEMORY = st.one_of(
    st.builds("{}{}".format, st.integers(1, 4096), st.sampled_from("KMGT")),
    st.builds("{}.{}G".format, st.integers(0, 512), st.integers(0, 99)),
    st.integers(2**28, 2**42),
)
NODE = st.fixed_dictionaries(
    {"memory": MEMORY, "max": st.integers(1, 500)},
    optional={
        "reserved": MEMORY,
        "cpu": st.integers(1, 256_000).map(lambda milli: milli / 1000),
        "pods": st.integers(1, 500),
        "disks": st.integers(0, 130),
    },
)
CASE = st.fixed_dictionaries(
    {
        "node": NODE,
        "memory": st.one_of(st.just(0), st.integers(2**20, 2**38)),
        "disk": st.booleans(),
    },
    optional={"cpu": st.integers(0, 16_000).map(lambda milli: milli / 1000)},
)


@pytest.fixture(scope="module")
def seats(bake):
    """The module deployer/seats.py of a repository."""
    repository = str(bake())
    sys.path.insert(0, repository)
    yield importlib.import_module("deployer.seats")
    sys.path.remove(repository)
    for name in [name for name in sys.modules if name.partition(".")[0] == "deployer"]:
        del sys.modules[name]


def test_jinja_reads_memory_as_the_deployer_does(seats) -> None:
    """The questions and the choice of nodes have one expression for it. by_helm compares the deployer with Helm."""
    jinja = Environment(loader=FileSystemLoader(TEMPLATE / "templates"), **QUESTIONS["_jinja2_env_vars"])
    piece = '<% from "lib/nodes.jinja" import kibibytes with context %>'
    piece += "<% for memory in memories %><< kibibytes(memory) >> <% endfor %>"
    answers = {"platform": "any", "architecture": "amd64", "storage": "nfs", "peak_students": "1", "__pieces": ""}
    answers |= {"memory_guarantee": "1G", "memory_limit": "1G"}
    memories = [f"{number}{unit}" for unit in "KMGT" for number in (*range(1, 1025), 1536, 99_999, 999_999)]
    found = jinja.from_string(piece).render(cookiecutter=answers, memories=memories).split()
    read = importlib.import_module("deployer.units").parse_memory
    assert [int(size) * 1024 for size in found] == [read(memory, "memory_limit") for memory in memories]


@pytest.fixture(scope="module")
def by_helm(bake, helm, tmp_path_factory):
    """The seats of cases as the chart's own template counts them: one render for all."""
    chart = tmp_path_factory.mktemp("seats")
    (chart / "templates").mkdir()
    helpers = (bake() / "chart" / "templates" / "_helpers.tpl").read_text(encoding="utf-8")
    (chart / "templates" / "_helpers.tpl").write_text(helpers, encoding="utf-8")
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: seats\nversion: 0.1.0\n", encoding="utf-8")
    (chart / "templates" / "seats.yaml").write_text(
        'seats:\n{{ range .Values.cases }}\n- {{ include "hub.seats" . }}\n{{ end }}', encoding="utf-8"
    )

    def count(cases: list[dict]) -> list[dict]:
        (chart / "cases.yaml").write_text(yaml.safe_dump({"cases": cases}), encoding="utf-8")
        command = [helm, "template", "seats", chart, "--values", chart / "cases.yaml"]
        rendered = subprocess.run(command, capture_output=True, text=True)
        assert rendered.returncode == 0, rendered.stderr
        return [json.loads(line[2:]) for line in rendered.stdout.splitlines() if line.startswith("- ")]

    return count


def count(seats, node: dict, memory: int, cpu: float | None, disk: bool):
    """The seats as the deployer counts them."""
    parsed = importlib.import_module("deployer.course").parse_node(node)
    return seats.count_seats(parsed, seats.Server(memory, cpu or 0, disk))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(CASE, min_size=20, max_size=60))
def test_script_and_guard_agree(seats, by_helm, cases):
    for case, found in zip(cases, by_helm(cases), strict=True):
        counted = count(seats, case["node"], case["memory"], case.get("cpu"), case["disk"])
        assert (counted.each, counted.least, counted.total) == (found["each"], found["least"], found["seats"]), case


@pytest.mark.parametrize(
    ("node", "guarantee", "cpu", "each", "least"),
    [
        ({"memory": "14G"}, "2G", None, 7, "memory"),
        ({"memory": "14G", "reserved": "1K"}, "2G", None, 6, "memory"),
        ({"memory": "14G", "cpu": 0.3, "pods": 9}, "2G", 0.1, 3, "cpu"),
        ({"memory": "14G", "cpu": 4, "pods": 5, "disks": 8}, "2G", 0.1, 5, "pods"),
        ({"memory": "14G", "cpu": 4, "pods": 5, "disks": 4}, "2G", 0.1, 4, "disks"),
        ({"memory": "1G", "reserved": "2G"}, "2G", None, 0, "memory"),
    ],
)
def test_smallest_limit_binds(seats, by_helm, node, guarantee, cpu, each, least):
    node = {**node, "max": 3}
    size = int(guarantee[:-1]) * 2**30
    counted = count(seats, node, size, cpu, True)
    assert (counted.each, counted.least, counted.total) == (each, least, 3 * each)
    found = by_helm([{"node": node, "memory": size, "cpu": cpu, "disk": True}])
    assert found == [{"each": each, "least": least, "seats": 3 * each}]


COURSE = st.fixed_dictionaries(
    {
        "peak": st.integers(1, 3000),
        "node": NODE,
        "others": st.dictionaries(
            st.sampled_from(["bio-7", "stat-102", "math"]),
            st.fixed_dictionaries({"peak": st.integers(1, 900), "memory": MEMORY}),
        ),
    }
)


@pytest.fixture(scope="module")
def courses_by_helm(bake, helm, tmp_path_factory):
    """`hub.courseSeats` of the chart for many values: one render for all."""
    chart = tmp_path_factory.mktemp("courses")
    (chart / "templates").mkdir()
    for file in ("_helpers.tpl", "_servers.tpl"):
        text = (bake() / "chart" / "templates" / file).read_text(encoding="utf-8")
        (chart / "templates" / file).write_text(text, encoding="utf-8")
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: seats\nversion: 0.1.0\n", encoding="utf-8")
    (chart / "templates" / "courses.yaml").write_text(
        'courses:\n{{ range .Values.cases }}\n- {{ include "hub.courseSeats" (dict "Values" .) }}\n{{ end }}',
        encoding="utf-8",
    )

    def count(cases: list[dict]) -> list[dict]:
        (chart / "values.yaml").write_text(yaml.safe_dump({"cases": cases}), encoding="utf-8")
        rendered = subprocess.run([helm, "template", "seats", chart], capture_output=True, text=True)
        assert rendered.returncode == 0, rendered.stderr
        return [json.loads(line[2:]) for line in rendered.stdout.splitlines() if line.startswith("- ")]

    return count


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(COURSE, min_size=20, max_size=40))
def test_script_and_guard_agree_on_nodes_that_hubs_share(seats, courses_by_helm, cases):
    """The nodes for each other hub, those that are left, and the limit that seats everybody."""
    user = {"memory": {"guarantee": "2G"}, "cpu": {"guarantee": 0.05}}
    found = [
        {
            "course": {"peak": case["peak"], "node": {**case["node"], "sharedWith": case["others"]}},
            "jupyterhub": {"singleuser": user},
        }
        for case in cases
    ]
    for values, by_chart in zip(found, courses_by_helm(found), strict=True):
        course = importlib.import_module("deployer.course").parse_course(values)
        own, shares = seats.count_course_seats(course), seats.list_other_shares(course)
        assert (own.each, own.total) == (by_chart["each"], by_chart["seats"]), values
        assert seats.count_left_nodes(course) == by_chart["left"], values
        assert [f"{share.nodes} for {share.name}" for share in shares] == by_chart["others"], values
        if own.each:
            wanted = seats.count_nodes(course.peak, own.each) + sum(share.nodes for share in shares)
            assert wanted == by_chart["nodes"], values


def write_course(repository: Path, node: dict, **course: object) -> None:
    """Set course.node and more of the course in config/hub.yaml."""
    file = repository / "config" / "hub.yaml"
    values = yaml.safe_load(file.read_text(encoding="utf-8"))
    values["course"] |= {"node": node, **course}
    values["jupyterhub"]["singleuser"]["memory"] = {"limit": "2G", "guarantee": "2G"}
    file.write_text(yaml.safe_dump(values), encoding="utf-8")


def test_make_seats_says_21(edited):
    repository = edited()
    write_course(repository, {"memory": "14G", "max": 3})
    said = run_deployer(repository, "seats")
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("staging and prod:\n")
    assert "memory     7   14G of memory, nothing reserved, 2G guaranteed to a student" in said.stdout
    assert "Memory is the limit: 7 seats per node, 21 seats on 3 nodes." in said.stdout
    assert "20 students at once need 3 of the 3 nodes." in said.stdout
    assert "With 1536M guaranteed: 9 seats per node, 27 in all; 20 students need 3 nodes." in said.stdout
    assert "With 3G guaranteed: 4 seats per node, 12 in all; 20 students need 5 nodes." in said.stdout


def test_make_seats_says_18_with_anything_reserved(edited):
    repository = edited()
    write_course(repository, {"memory": "14G", "reserved": "1M", "max": 3})
    said = run_deployer(repository, "seats", "--env", "prod")
    assert "Memory is the limit: 6 seats per node, 18 seats on 3 nodes." in said.stdout
    assert "not enough for course.peak, 20 students at once, and a deploy is rejected: raise course.node.max to 4" in (
        said.stdout
    )


def test_cost_of_a_term(edited, seats):
    repository = edited()
    node = {"memory": "14G", "max": 3, "price": 0.5}
    write_course(repository, node)
    said = run_deployer(repository, "seats").stdout
    assert "A term of 15 weeks (assumed: course.calendar.termEnds is empty) costs 3,780 with 3 nodes" in said
    calendar = {
        "classes": [{"days": ["mon", "wed"], "start": "10:00", "end": "11:30"}],
        "termEnds": "2027-02-12",
        "before": 30,
    }
    values = {"course": {"peak": 20, "node": node, "calendar": calendar}, "jupyterhub": {"singleuser": {}}}
    values["jupyterhub"]["singleuser"]["memory"] = {"guarantee": "2G"}
    course = importlib.import_module("deployer.course").parse_course(values)
    always, classes = seats.describe_cost(course, date(2027, 1, 1))
    assert always == "A term of 6 weeks until 2027-02-12 costs 1,512 with 3 nodes at 0.5 per hour, always on."
    assert classes.startswith("With the calendar it costs 528: 3 nodes for 4 hours per week, and (assumed) one node")
    exams = [{"start": f"{day} 09:00", "end": f"{day} 12:00"} for day in ("2026-12-01", "2027-02-10")]
    calendar["exams"] = exams
    calendar["classes"].append({"dates": ["2027-01-16"], "start": "09:00", "end": "09:30"})
    course = importlib.import_module("deployer.course").parse_course(values)
    *_, dated = seats.describe_cost(course, date(2027, 1, 1))
    # 3.5 hours of the exam that is to come and 1 of the class, for 2 more nodes at 0.5.
    assert dated.startswith("With the calendar it costs 532: 3 nodes for 4 hours per week and 4.5 hours of exams and")


def test_seats_without_a_price_or_a_node(edited):
    repository = edited()
    write_course(repository, {"memory": "14G", "max": 3})
    assert "The cost of a term is not known: course.node.price" in run_deployer(repository, "seats").stdout
    write_course(repository, {"memory": "14GiB", "max": 3})
    rejected = run_deployer(repository, "seats")
    assert rejected.returncode == 1
    assert rejected.stderr.startswith("course.node.memory: '14GiB' is not in JupyterHub's units")


def test_default_answers_have_seats_for_the_peak(bake):
    said = run_deployer(bake(students="300", peak_students="120", platform="gke"), "seats").stdout
    total = re.search(r"(\d+) seats on \d+ nodes", said)
    assert total and int(total.group(1)) >= 120


OPTIONS = {
    "size": {
        "choices": {
            "b": {"kubespawner_override": {"mem_guarantee": "3G", "cpu_guarantee": 0.5}},
            "a": {"kubespawner_override": {"mem_guarantee": "1G"}},
            "c": {"kubespawner_override": {"mem_guarantee": "6G", "node_selector": {"pool": "large"}}},
        }
    }
}
PROFILES = {
    "no profile": ([], 2, 0, 0),
    "a profile": ([{"kubespawner_override": {"mem_guarantee": "4G", "cpu_guarantee": 1}}], 4, 1, 0),
    "the first choice": ([{"profile_options": OPTIONS}], 1, 0, 3),
    "the marked choice": (
        [
            {
                "kubespawner_override": {"mem_guarantee": "5G"},
                "profile_options": {"size": {"choices": {**OPTIONS["size"]["choices"], "d": {"default": True}}}},
            }
        ],
        5,
        0,
        3,
    ),
    "the marked profile": ([{}, {"default": True, "profile_options": OPTIONS}], 1, 0, 3),
}


@pytest.mark.parametrize("name", PROFILES)
def test_default_server_is_the_same_for_script_and_guard(name, seats, bake, helm, tmp_path):
    """KubeSpawner starts with the default choices; the largest choice on the nodes of the course is known, too."""
    profiles, memory, cpu, most = PROFILES[name]
    user = {"memory": {"guarantee": "2G"}, "profileList": profiles}
    server = importlib.import_module("deployer.course").parse_server({"jupyterhub": {"singleuser": user}})
    assert (server.memory, server.cpu, server.most) == (memory * 2**30, cpu, most * 2**30)
    (tmp_path / "templates").mkdir()
    for file in ("_helpers.tpl", "_servers.tpl"):
        text = (bake() / "chart" / "templates" / file).read_text(encoding="utf-8")
        (tmp_path / "templates" / file).write_text(text, encoding="utf-8")
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: seats\nversion: 0.1.0\n", encoding="utf-8")
    (tmp_path / "templates" / "server.yaml").write_text('server: {{ include "hub.defaultServer" . }}', encoding="utf-8")
    (tmp_path / "values.yaml").write_text(yaml.safe_dump({"jupyterhub": {"singleuser": user}}), encoding="utf-8")
    rendered = subprocess.run([helm, "template", "seats", tmp_path], capture_output=True, text=True, check=True)
    found = yaml.safe_load(rendered.stdout)["server"]
    assert (found["memory"], found["cpu"] or 0, found["most"]) == (f"{memory}G", cpu, most * 2**30)


def test_seats_name_the_largest_choice(edited):
    repository = edited()
    hub = yaml.safe_load((repository / "config/hub.yaml").read_text(encoding="utf-8"))
    hub["jupyterhub"]["singleuser"]["profileList"] = [{"display_name": "Any", "profile_options": OPTIONS}]
    hub["course"] |= {"node": {"memory": "14G", "max": 3}, "peak": 20}
    (repository / "config/hub.yaml").write_text(yaml.safe_dump(hub), encoding="utf-8")
    said = run_deployer(repository, "seats")
    assert "If all of them choose 3G: 4 seats per node, 12 in all." in said.stdout, said.stderr


@pytest.fixture(scope="module")
def five(bake, tmp_path_factory) -> Path:
    """A folder with the repositories of three hubs of one cluster: two share nodes, the third has a pool of its own."""
    folder = tmp_path_factory.mktemp("five")
    for name, peak, pool in (("stat-101", 40, ""), ("stat-102", 20, ""), ("bio-7", 9, "bio7")):
        repository = Path(shutil.copytree(bake(), folder / name))
        change_values(repository / "chart/Chart.yaml", {"name": name})
        write_course(repository, {"memory": "14G", "max": 9, "price": 1}, peak=peak)
        if pool:
            change_values(
                repository / "config/hub.yaml",
                {"jupyterhub": {"singleuser": {"nodeSelector": {"hub.jupyter.org/pool": pool}}}},
            )
    return folder


def test_seats_of_all_hubs_of_a_cluster(five: Path) -> None:
    here = five / "stat-101"
    hubs = f"{five / 'stat-102'} ../bio-7"
    said = run_deployer(here, "seats", "--hubs", hubs)
    assert said.returncode == 0, said.stderr
    for line in (
        "Memory is the limit: 7 seats per node, 42 seats on 6 nodes.",
        "Hubs that share the 9 nodes, each with the nodes that its students need",
        "  stat-101     6   40 students at once, 2G guaranteed, 7 seats per node",
        "  stat-102     3   20 students at once, 2G guaranteed, 7 seats per node",
        "  together     9",
        "40 students at once need 6 of the 6 nodes that are left.",
        "costs 15,120 with 6 nodes at 1 per hour",
        "That is this hub's share.",
        "bio-7 needs 2 of the 9 nodes of another pool, bio7.",
        "config/hub.yaml has other numbers. Write under course.node:\n  sharedWith:\n    stat-102: {peak: 20, ",
        "course.node.sharedWith lacks this hub, or has other numbers. Write stat-101: {peak: 40, memory: 2G}",
    ):
        assert line in said.stdout, said.stdout
    for name, other, peak in ("stat-101", "stat-102", 20), ("stat-102", "stat-101", 40):
        others = {other: {"peak": peak, "memory": "2G"}}
        change_values(five / name / "config/hub.yaml", {"course": {"node": {"sharedWith": others}}})
    said = run_deployer(here, "seats", "--hubs", hubs).stdout
    assert said.endswith("course.node.sharedWith in config/hub.yaml has the same numbers.\n"), said
    assert said.startswith(run_deployer(here, "seats").stdout)
    change_values(five / "stat-102/config/hub.yaml", {"course": {"node": {"max": 8}}})
    said = run_deployer(here, "seats", "--hubs", hubs).stdout
    assert f"{five / 'stat-102'}: course.node.max is 8, and 9 here. Write one in both.\n" in said


@pytest.mark.parametrize(
    ("hubs", "message"),
    [
        ("../nowhere", "HUBS: ../nowhere is not the repository of a hub. Name folders"),
        ("../stat-101", "HUBS: ../stat-101 is this hub, which counts already. Leave it out"),
    ],
)
def test_a_folder_that_is_not_another_hub(five: Path, hubs: str, message: str) -> None:
    rejected = run_deployer(five / "stat-101", "seats", "--hubs", hubs)
    assert (rejected.returncode, message in rejected.stderr) == (1, True), rejected.stderr


def test_mistakes_in_shared_with(edited) -> None:
    repository = edited()
    others = {
        "a": {"peak": "many", "memory": "1G"},
        "b": {"peak": 3},
        "c": None,
        "d": {"peak": 3, "memory": "1G", "disk": 1},
    }
    write_course(repository, {"memory": "14G", "max": 3, "sharedWith": others})
    rejected = run_deployer(repository, "seats")
    assert rejected.returncode == 1
    for message in (
        "config/hub.yaml: course.node.sharedWith.a.peak must be of the type integer ('many'). Correct it there",
        "course.node.sharedWith.b.memory is missing",
        "course.node.sharedWith.c is empty",
        "course.node.sharedWith.d Additional properties are not allowed ('disk' was unexpected)",
    ):
        assert message in rejected.stderr
    write_course(repository, {"memory": "14G", "max": 3, "sharedWith": {"b": {"peak": 3, "memory": "1Gi"}}})
    assert (
        "course.node.sharedWith.b.memory: '1Gi' is not in JupyterHub's units"
        in run_deployer(repository, "seats").stderr
    )


def test_more_nodes_than_the_class_needs_are_named(edited):
    repository = edited()
    write_course(repository, {"memory": "14G", "max": 8})
    said = "course.node.max is 8, and 4 nodes are enough for course.peak, 20 students at once. Write max: 4 in config/"
    assert said not in run_deployer(repository, "seats").stdout
    write_course(repository, {"memory": "14G", "max": 9})
    said = said.replace("is 8", "is 9")
    assert said in run_deployer(repository, "seats").stdout
    checked = run_python(repository, "from deployer.commands import check; check.print_size_check()")
    assert checked.stdout.startswith(f"staging and prod: {said}")
    # An answer follows, and the number of nodes does not.
    write_course(repository, {"memory": "14G", "max": 9}, students=90, peak=80)
    done = run_deployer(repository, "answers").stdout
    assert "peak_students was '20', and is '80'" in done
    assert (
        "not enough for course.peak, 80 students at once, and a deploy is rejected: raise course.node.max to 12" in done
    )
