"""The life of a hub with many homes: archived while it runs, restored, moved, paused, destroyed.

The tests go on from each other. E2E_HOMES says how many homes there are.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests
from agents import pack

from students import TIMEOUT, Repository, Student

HOMES = int(os.environ.get("E2E_HOMES", "12"))
# Somebody who signs in, a name that KubeSpawner escapes, and others.
STUDENTS = ["ada", "Grace.Hopper@example.edu", *(f"student-{number:02}" for number in range(HOMES - 2))]


def read_manifest(folder: Path) -> dict[str, dict]:
    """The archives of a folder, without the times at which they were made."""
    homes = json.loads((folder / "manifest.json").read_text("utf-8"))["homes"]
    return {key: {**entry, "archived": ""} for key, entry in homes.items()}


def compare_contents(one: Path, other: Path) -> None:
    """Two folders have the same homes, whatever their volumes say of times."""
    contents = [{key: entry["content"] for key, entry in read_manifest(folder).items()} for folder in (one, other)]
    assert contents[0] == contents[1] and len(contents[0]) == HOMES


@pytest.fixture(scope="module")
def made(repository: Repository, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Archives of homes that were never on a cluster: a megabyte of notebooks in each."""
    folder, homes = tmp_path_factory.mktemp("made"), {}
    for number, student in enumerate(STUDENTS):
        home = folder / "home"
        for week in "week 1", "week-2/data":
            (home / week).mkdir(parents=True, exist_ok=True)
            for exercise in range(5):
                (home / week / f"exercise {exercise}.ipynb").write_bytes(os.urandom(100_000) + b"x" * 10_000)
        archive, result = pack(home)
        (folder / f"{number}.tar.gz").write_bytes(archive)
        entry = {**result, "student": student, "claim": "", "folder": "", "capacity": "1Gi", "archived": "before"}
        homes[str(number)] = {**entry, "file": f"{number}.tar.gz"}
    (folder / "manifest.json").write_text(json.dumps({"hub": "another", "homes": homes}), "utf-8")
    return folder


@pytest.fixture(scope="module")
def archived(repository: Repository) -> Path:
    """Where `make archive` writes without TO."""
    return repository.folder.parent / f"{repository.name}-archive" / "staging"


def archive(repository: Repository, *options: str, env: str = "staging") -> str:
    """Archive the homes of an environment: what was printed."""
    done = repository.run_deployer("archive", f"--env={env}", *options)
    print(done.stdout)
    return done.stdout


def test_homes_of_students_who_were_never_here(repository: Repository, made: Path, archived: Path) -> None:
    repository.deploy()
    start = time.monotonic()
    said = repository.run_deployer("restore", "--env=staging", "--all", f"--from={made}").stdout
    print(f"{HOMES} homes restored in {time.monotonic() - start:.0f} s")
    assert said.count("10 files restored") == HOMES
    start = time.monotonic()
    assert f"all homes are archived and compared: {HOMES} homes" in archive(repository)
    print(f"{HOMES} homes archived in {time.monotonic() - start:.0f} s")
    found = sorted(entry["content"] for entry in read_manifest(made).values())
    assert sorted(entry["content"] for entry in read_manifest(archived).values()) == found
    assert {entry["student"] for entry in read_manifest(archived).values()} == set(STUDENTS)


def test_interrupted_at_any_point_and_resumed(repository: Repository, archived: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deployer", "archive", "--env=staging", f"--to={tmp_path}", "--limit=1M"]
    for number, end in ((signal.SIGINT, 1), (signal.SIGKILL, HOMES // 3), (signal.SIGTERM, HOMES // 2)):
        process = subprocess.Popen(
            command, cwd=repository.folder, env=repository.environ, stdout=subprocess.PIPE, text=True
        )
        for line in process.stdout:
            if f"  {end} of {HOMES}" in line:
                break
        time.sleep(0.7)
        process.send_signal(number)
        process.wait(60)
        print(f"{number.name} after {end}: {len(read_manifest(tmp_path))} archives")
        assert process.returncode != 0 and end <= len(read_manifest(tmp_path)) < HOMES
    said = archive(repository, f"--to={tmp_path}")
    assert said.count("unchanged, its archive is intact") >= HOMES // 2
    assert read_manifest(tmp_path) == read_manifest(archived)
    assert not [*tmp_path.glob("*.part")]
    for name in sorted(file.name for file in archived.glob("*.tar.gz")):
        assert (archived / name).read_bytes() == (tmp_path / name).read_bytes()


def test_one_flipped_byte_is_found_and_mended(repository: Repository, archived: Path) -> None:
    file = archived / "claim-ada.tar.gz"
    whole = file.read_bytes()
    file.write_bytes(whole[:9999] + bytes([whole[9999] ^ 1]) + whole[10000:])
    done = repository.run_deployer("restore", "--env=staging", "--student=ada", check=False)
    assert done.returncode == 1 and "claim-ada.tar.gz: it is damaged" in done.stderr
    said = archive(repository)
    assert said.count("unchanged, its archive is intact") == HOMES - 1 and "instead of the old archive" in said
    assert file.read_bytes() == whole
    said = repository.run_deployer("backup-drill", "--env=staging", "--student=ada").stdout
    assert "ada: what was archived is there, 10 files, 1.0 MiB" in said


def test_the_hub_answers_while_it_is_archived(repository: Repository, address: str, tmp_path: Path) -> None:
    ended = threading.Event()
    times: list[float] = []

    def knock() -> None:
        while not ended.wait(0.1):
            times.append(requests.get(f"{address}/hub/login", timeout=30).elapsed.total_seconds())

    idle = [requests.get(f"{address}/hub/login", timeout=30).elapsed.total_seconds() for _ in range(20)]
    thread = threading.Thread(target=knock)
    thread.start()
    archive(repository, f"--to={tmp_path}", "--at-once=4")
    ended.set()
    thread.join()
    middle, slowest = sorted(times)[len(times) // 2], max(times)
    print(f"the login page in {middle:.3f} s, {slowest:.3f} s at most; before {sorted(idle)[10]:.3f} s")
    assert slowest < 5


def test_a_student_finds_the_files(repository: Repository, student: Student) -> None:
    address = f"{student.base}/user/ada/api/contents/week 1/exercise 1.ipynb"
    assert student.session.get(address, params={"content": 0}).json()["size"] == 110_000
    assert repository.kubectl("staging", "get", "pvc", "claim-ada", "--output=name")
    student.session.delete(address, headers=student.headers).raise_for_status()
    done = repository.run_deployer("restore", "--env=staging", "--student=ada", "--file=~/week 1/exercise 1.ipynb")
    assert "ada: 1 file restored" in done.stdout
    # A connection that was idle meanwhile may be closed.
    student.session.close()
    assert student.session.get(address, params={"content": 0}).json()["size"] == 110_000
    assert student.closed is None
    assert "ada: " in archive(repository)


def test_nothing_is_deleted_without_its_archive(repository: Repository, student: Student) -> None:
    done = repository.run_deployer("destroy", "--env=staging", check=False)
    assert "students are at work (1)" in done.stderr
    assert repository.kubectl("staging", "get", "pvc", "claim-ada", "--output=name")


def test_paused_and_awake(repository: Repository, student: Student) -> None:
    said = repository.run_deployer("pause", "--env=staging", check=False).stderr
    assert "students have servers (ada)" in said and student.closed is None
    repository.run_deployer("pause", "--env=staging", "--stop-servers")
    pods = repository.kubectl("staging", "get", "pods", "--selector=component in (hub,proxy,singleuser-server)")
    assert all("Terminating" in line or "Completed" in line for line in pods.splitlines()[1:])
    assert "PAUSED: " in repository.run_deployer("status", "--env=staging").stdout
    assert "NOT deployed: " in repository.deploy()
    rejected = repository.run_deployer("rollback", "--env=staging", check=False)
    assert rejected.returncode == 1 and "make resume ENV=staging" in rejected.stderr
    start = time.monotonic()
    said = repository.run_deployer("resume", "--env=staging", f"--timeout={TIMEOUT}").stdout
    print(f"awake in {time.monotonic() - start:.0f} s")
    assert "robot student: all checks passed" in said
    assert "PAUSED" not in repository.run_deployer("status", "--env=staging").stdout
    # Helm owns the numbers of pods again.
    repository.change({"jupyterhub": {"cull": {"timeout": 1800}}}, "Stop idle servers after half an hour")
    assert "robot student: all checks passed" in repository.deploy()


def test_the_homes_move_to_another_hub(repository: Repository, archived: Path) -> None:
    archive(repository)
    repository.deploy("prod")
    done = repository.run_deployer("restore", "--env=prod", "--all", f"--from={archived}")
    assert "NOT restored" not in done.stdout
    archive(repository, env="prod")
    compare_contents(archived, archived.parent / "prod")


def test_destroyed(repository: Repository, archived: Path) -> None:
    command = [sys.executable, "-m", "deployer", "destroy", "--env=staging"]

    def destroy(typed: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, cwd=repository.folder, env=repository.environ, input=typed, capture_output=True, text=True
        )
        print(done.stdout, done.stderr)
        return done

    name = f"{repository.name}-staging"
    repository.run_deployer("restore", "--env=staging", "--student=ada", "--as=eve")
    assert "eve: no archive" in destroy(f"{name}\n").stderr
    archive(repository)
    rejected = destroy("yes\n")
    assert rejected.returncode == 1 and f"nothing was deleted: 'yes' is not {name}" in rejected.stderr
    done = destroy(f"{name}\n")
    assert f"  {HOMES + 1} homes: ada, eve, Grace.Hopper@example.edu" in done.stdout
    assert done.returncode == 0 and f"{name} is deleted" in done.stdout and "gh api --method DELETE" in done.stdout
    assert not repository.run("kubectl", "get", "namespace", name, "--ignore-not-found").stdout
    assert len(repository.kubectl("prod", "get", "pvc", "--output=name").split()) == HOMES + 1
