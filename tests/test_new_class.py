"""A new class and a new term, with the real copier, git, sops and age: nothing secret is handed on."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from test_update import run

from repositories import by_cookiecutter, commit, release, run_deployer, run_python, use_home

ANSWERS = {
    "hub_name": "stat-101",
    "course_title": "Statistics I",
    "hub_domain": "stat101.example.edu",
    "tls": "ingress",
    "admin_users": "ada",
    "sign_in": "github",
    "sign_in_allow": "org-101, user:grace",
    "class_times": "mon 10:00-11:30",
    "term_ends": "2027-02-12",
}
NEW = {
    "course_title": "Statistics II",
    "hub_domain": "stat102.example.edu",
    "admin_users": "emmy",
    "sign_in_allow": "org-102",
    "class_times": "tue 08:00-09:30",
    "term_ends": "2027-07-23",
}


@pytest.fixture(scope="module")
def released(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as a git repository with the tag v0.1.0."""
    return release(template, tmp_path_factory.mktemp("released"))


def be_ada(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Be a person with a name for git, a copier, and a home of their own."""
    use_home(monkeypatch, home)
    monkeypatch.setenv("COPIER", f"{sys.executable} -m copier")
    for who in "AUTHOR", "COMMITTER":
        monkeypatch.setenv(f"GIT_{who}_NAME", "Ada Lovelace")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "ada@example.edu")


@pytest.fixture(scope="module")
def first(released: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """A class that has run for a term: the repository, the home of its operator, and the keys of all its recipients."""
    folder = tmp_path_factory.mktemp("first")
    with pytest.MonkeyPatch.context() as patch:
        be_ada(patch, folder / "home")
        repository = by_cookiecutter(released, folder, ANSWERS)
        run("git", "init", "--quiet", "--initial-branch=main", cwd=repository)
        run("git", "remote", "add", "origin", "git@github.com:org/stat-101.git", cwd=repository)
        good(run_deployer(repository, "keys", "mine"))
        good(run_deployer(repository, "secrets", "make"))
        pipeline = good(run_deployer(repository, "keys", "pipeline", "--env", "prod")).stdout
        hub = repository / "config" / "hub.yaml"
        text = hub.read_text("utf-8")
        assert "limit: 2G" in text
        hub.write_text(
            text.replace("limit: 2G", "limit: 3G").replace("termEnds: '2027-02-12'", "termEnds: '2027-02-19'")
        )
        (repository / "NOTES.md").write_text("Ours.\n", encoding="utf-8")
        commit(repository, "A class")
    keys = (folder / "home/.config/sops/age/keys.txt").read_text("utf-8") + "\n" + pipeline
    return repository, folder / "home", keys


@pytest.fixture
def course(first: tuple[Path, Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The repository of the first class, and its operator at the keyboard."""
    repository, home, _ = first
    be_ada(monkeypatch, Path(shutil.copytree(home, tmp_path / "home")))
    return Path(shutil.copytree(repository, tmp_path / "stat-101"))


@pytest.fixture
def answers(tmp_path: Path) -> str:
    """The file with the answers of the new class."""
    (tmp_path / "answers.yaml").write_text(yaml.safe_dump(NEW), encoding="utf-8")
    return str(tmp_path / "answers.yaml")


def good(done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def rejected(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode != 0, done.stdout
    for word in words:
        assert word in done.stdout + done.stderr


def opens(keys: str, file: Path) -> bool:
    """Return whether sops decrypts a file with nothing but some keys."""
    kept = "\n".join(re.findall(r"AGE-SECRET-KEY-\S+", keys))
    environ = {**os.environ, "SOPS_AGE_KEY": kept, "HOME": "/nonexistent", "XDG_CONFIG_HOME": "/nonexistent"}
    done = subprocess.run([os.environ["SOPS"], "decrypt", file], env=environ, capture_output=True, text=True)
    return done.returncode == 0


def require_separate(old: Path, old_keys: str, new: Path, config: Path | None = None) -> None:
    """Fail unless no old key opens the new secrets, and no new key the old ones. All keys are below a folder."""
    config = config or Path(os.environ["HOME"], ".config")
    all_keys = (config / "sops/age/keys.txt").read_text("utf-8")
    new_keys = "\n".join(set(re.findall(r"AGE-SECRET-KEY-\S+", all_keys)) - set(old_keys.split()))
    assert new_keys
    for env in "staging", "prod":
        name = f"secrets/{env}.yaml"
        assert opens(old_keys, old / name) and opens(new_keys, new / name)
        assert not opens(old_keys, new / name)
        assert not opens(new_keys, old / name)
        assert set(re.findall("age1[a-z0-9]+", (new / name).read_text("utf-8"))).isdisjoint(
            re.findall("age1[a-z0-9]+", (old / name).read_text("utf-8"))
        )
    assert "age1" in (new / ".sops.yaml").read_text("utf-8")


def require_new_class(repository: Path) -> None:
    """Fail unless a repository is that of the new class, with what the owners of the old one had edited."""
    config = (repository / "config/hub.yaml").read_text("utf-8")
    everything = config + "".join((repository / f"config/{env}.yaml").read_text("utf-8") for env in ("staging", "prod"))
    for old in "101", "grace", "ada", "2027-02", "10:00-11:30", "[mon]", "<" * 7:
        # The example in a comment is the template's.
        assert old not in re.sub(" #.*", "", everything)
    for new in "Statistics II", "stat102.example.edu", "emmy", "org-102", "limit: 3G":
        assert new in everything
    assert (repository / "NOTES.md").read_text("utf-8") == "Ours.\n"
    assert "name: stat-102\n" in (repository / "chart/Chart.yaml").read_text("utf-8")
    answers = yaml.safe_load((repository / ".copier-answers.yml").read_text("utf-8"))
    assert (answers["hub_name"], answers["cluster_name"]) == ("stat-102", "stat-101"), "it is in the same cluster"
    good(run_deployer(repository, "check", "--offline"))


def test_a_new_class_beside_the_old_one(course: Path, first: tuple[Path, Path, str], answers: str) -> None:
    done = good(run_deployer(course, "new-class", "--name", "stat-102", "--answers", answers))
    new = course.parent / "stat-102"
    assert "'The first time' in README.md" in done.stdout
    require_new_class(new)
    require_separate(course, first[2], new)
    assert subprocess.run(["git", "log"], cwd=new, capture_output=True).returncode != 0, "it has a history"
    assert run("git", "status", "--porcelain", cwd=course) == ""
    rejected(run_deployer(course, "new-class", "--name", "stat-102", "--answers", answers), "is there already")


def test_a_fork_is_rejected_until_it_is_a_class_of_its_own(
    course: Path, first: tuple[Path, Path, str], answers: str, tmp_path: Path
) -> None:
    fork = tmp_path / "fork"
    run("git", "clone", "--quiet", str(course), str(fork), cwd=tmp_path)
    run("git", "remote", "set-url", "origin", "https://gitlab.com/dept/stat-102.git", cwd=fork)
    rejected(
        run_deployer(fork, "check", "--offline"),
        "has the secrets of the repository org/stat-101 (secretsFor), and this one is dept/stat-102",
        "make new-class NAME=",
    )
    rejected(run_deployer(fork, "secrets", "make"), "has the secrets of the repository org/stat-101")
    run("git", "remote", "add", "upstream", "https://github.com/Org/stat-101", cwd=fork)
    good(run_deployer(fork, "secrets", "check"))
    run("git", "remote", "remove", "upstream", cwd=fork)
    # As in a repository from before the question.
    answered = fork / ".copier-answers.yml"
    answered.write_text(re.sub("cluster_name: .*\n", "", answered.read_text("utf-8")), encoding="utf-8")
    commit(fork, "A class")

    good(run_deployer(fork, "new-class", "--name", "stat-102", "--answers", answers))

    require_new_class(fork)
    require_separate(course, first[2], fork)
    assert "secretsFor: stat-102-prod in dept/stat-102\n" in (fork / "secrets/prod.yaml").read_text("utf-8")
    assert run("git", "log", "--format=%s", cwd=fork) == "A class\nA class\n", "what is new waits for a review"


def test_copier_alone_keeps_the_old_secrets_and_is_rejected(
    course: Path, first: tuple[Path, Path, str], tmp_path: Path
) -> None:
    """The way by hand, as docs/new-class.md has it."""
    new = Path(shutil.copytree(course, tmp_path / "by-hand"))
    before = (new / "secrets/prod.yaml").read_bytes()
    data = [word for key, value in {"hub_name": "stat-102", **NEW}.items() for word in ("--data", f"{key}={value}")]
    good(run_deployer(new, "answers"))
    commit(new, "Answers")
    run(sys.executable, "-m", "copier", "update", "--quiet", "--defaults", "--vcs-ref", ":current:", *data, cwd=new)
    assert (new / "secrets/prod.yaml").read_bytes() == before
    rejected(
        run_deployer(new, "check", "--offline"),
        "secrets/prod.yaml has the secrets of 'stat-101-prod' (secretsFor): it must be 'stat-102-prod'",
        "`make secrets-forget`, then `make secrets`",
    )
    commit(new, "Another class")
    good(run_deployer(new, "secrets", "forget"))
    good(run_deployer(new, "keys", "mine"))
    good(run_deployer(new, "secrets", "make"))
    require_new_class(new)
    require_separate(course, first[2], new)


def test_answers_that_cannot_be_right_are_rejected_and_nothing_is_written(course: Path, tmp_path: Path) -> None:
    file = tmp_path / "some.yaml"
    file.write_text("{}\n", encoding="utf-8")
    new = ("new-class", "--name", "stat-102", "--answers", str(file))
    missing = run_deployer(course, *new)
    rejected(missing, "hub_domain: 'stat101.example.edu'", "sign_in_allow: 'org-101, user:grace'", "term_ends: '")
    file.write_text(yaml.safe_dump({**NEW, "hub_domain": "stat101.example.edu"}), encoding="utf-8")
    rejected(run_deployer(course, *new), "hub_domain: 'stat101.example.edu' is the address of stat-101")
    file.write_text(yaml.safe_dump({**NEW, "admin_users": "?"}), encoding="utf-8")
    done = run_deployer(course, *new)
    rejected(done, "admin_users: is not a list of user names ('?')", "was removed again")
    assert "Traceback" not in done.stderr
    for name in "stat-101", "../x", "":
        rejected(run_deployer(course, "new-class", "--name", name, "--answers", str(file)), f"NAME: '{name}'")
    (course / "NOTES.md").write_text("Edited.\n", encoding="utf-8")
    file.write_text(yaml.safe_dump(NEW), encoding="utf-8")
    rejected(run_deployer(course, *new), "the working tree is not what is committed")
    assert not (tmp_path / "stat-102").exists()


def test_a_repository_that_has_moved_keeps_its_secrets(course: Path) -> None:
    run("git", "remote", "set-url", "origin", "git@git.example.edu:teaching/stat-101.git", cwd=course)
    rejected(run_deployer(course, "secrets", "check"), "`make secrets MOVED=yes`")
    good(run_deployer(course, "secrets", "make", "--moved"))
    assert "secretsFor: stat-101-prod in teaching/stat-101\n" in (course / "secrets/prod.yaml").read_text("utf-8")
    good(run_deployer(course, "secrets", "check"))


def test_secrets_of_before_learn_where_they_belong(course: Path) -> None:
    """A repository that an older version of the template made says the environment only."""
    for env in "staging", "prod":
        file = course / "secrets" / f"{env}.yaml"
        run(os.environ["SOPS"], "set", str(file), '["secretsFor"]', f'"{env}"', cwd=course)
    done = good(run_deployer(course, "secrets", "check"))
    assert "secrets/prod.yaml: it does not say which repository it belongs to" in done.stdout
    good(run_deployer(course, "secrets", "make"))
    assert "secretsFor: stat-101-prod in org/stat-101\n" in (course / "secrets/prod.yaml").read_text("utf-8")


def test_a_new_term(course: Path, tmp_path: Path) -> None:
    file = tmp_path / "term.yaml"
    file.write_text("class_times: 'fri 10:00-12:00'\nterm_ends: '2027-07-23'\nstudents: 60\n", encoding="utf-8")
    before = (course / "secrets/prod.yaml").read_text("utf-8")
    old = run("git", "rev-parse", "HEAD", cwd=course)
    term = ("new-term", "--old", "2026-autumn", "--answers", str(file))
    done = good(run_deployer(course, *term))
    assert "homes are as they were" in done.stdout
    assert run("git", "rev-parse", "term-2026-autumn^{commit}", cwd=course) == old
    config = (course / "config/hub.yaml").read_text("utf-8")
    for new in "days: [fri]", "start: '10:00'", "2027-07-23", "students: 60", "limit: 3G":
        assert new in config
    assert "2027-02-1" not in re.sub(" #.*", "", config)
    after = (course / "secrets/prod.yaml").read_text("utf-8")
    for key in "cookieSecret", "secretToken":
        assert re.search(f"{key}: .*", before)[0] != re.search(f"{key}: .*", after)[0]
    good(run_deployer(course, "check", "--offline"))
    commit(course, "A new term")
    rejected(run_deployer(course, *term), "git has the tag term-2026-autumn")
    file.write_text("students: 60\n", encoding="utf-8")
    rejected(run_deployer(course, *term), "class_times and term_ends: missing")


def test_an_answer_follows_what_was_edited(course: Path) -> None:
    done = good(run_deployer(course, "check", "--offline"))
    assert "term_ends is '2027-02-12', and config/ has '2027-02-19', which counts" in done.stdout
    assert "memory_limit is '2G', and config/ has '3G', which counts" in done.stdout
    good(run_deployer(course, "answers"))
    assert "which counts" not in good(run_deployer(course, "check", "--offline")).stdout
    commit(course, "Answers")
    update = (sys.executable, "-m", "copier", "update", "--quiet", "--defaults", "--vcs-ref", ":current:")
    run(*update, "--data", "term_ends=2027-07-23", cwd=course)
    config = (course / "config/hub.yaml").read_text("utf-8")
    assert "termEnds: '2027-07-23'" in config and "<" * 7 not in config


def test_a_new_class_has_a_share_of_its_own(edited) -> None:
    repository = edited(storage="nfs")
    hub = repository / "config" / "hub.yaml"
    template = hub.read_text("utf-8")
    hub.write_text(template.replace("/fill-in--nfs-path", "/homes/stat-101"), encoding="utf-8")
    code = "from deployer.commands import new_class; new_class.forget_share()"
    assert run_python(repository, code).returncode == 0
    assert hub.read_text("utf-8") == template


def test_a_hub_without_a_staging_of_its_own(course: Path, answers: str) -> None:
    """One that shares the staging of another hub: all commands know prod alone, those of a new class of it as well."""
    lost = "config/staging.yaml is missing, and secrets/staging.yaml is there. Take it back from git"
    (course / "config/staging.yaml").unlink()
    rejected(run_deployer(course, "check", "--offline"), lost)
    rejected(run_deployer(course, "status", "--env", "staging"), lost)
    (course / "secrets/staging.yaml").unlink()
    commit(course, "Prod alone")
    checked = good(run_deployer(course, "check", "--offline")).stdout
    assert "prod: " in checked and "staging: " not in checked
    assert good(run_deployer(course, "seats")).stdout.startswith("prod:\n")
    rejected(
        run_deployer(course, "status", "--env", "staging"), "ENV: this hub has no config/staging.yaml. Write ENV=prod"
    )
    assert good(run_deployer(course, "secrets", "rotate")).stdout.startswith("secrets/prod.yaml: a new data key")
    commit(course, "Rotated")

    good(run_deployer(course, "new-class", "--name", "stat-102", "--answers", answers))
    new = course.parent / "stat-102"
    assert [path.name for path in (new / "secrets").iterdir()] == ["prod.yaml"]
    assert not (new / "config/staging.yaml").exists()
    good(run_deployer(new, "check", "--offline"))
