"""Archives of homes: the program of the pods, on folders of this machine, with the real tar."""

import io
import json
import os
import re
import struct
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agents import pack, run_agent

from deployer.__main__ import load_command, parse_arguments
from deployer.errors import UserError
from deployer.homes import archives, listing, packing, pods, tree


def restore(home: Path, archive: bytes, result: dict[str, Any], only: str = "") -> subprocess.CompletedProcess[bytes]:
    """Restore an archive into a home."""
    expected = {key: result[key] for key in ("sha256", "content")} | {"only": only, "beside": "restored"}
    return run_agent("restore", home, json.dumps(expected), given=archive)


def read_files(folder: Path) -> dict[str, bytes]:
    """The files and links of a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(folder))] = os.readlink(path).encode()
        elif path.is_file():
            found[str(path.relative_to(folder))] = path.read_bytes() + oct(path.stat().st_mode).encode()
    return found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with what students have in theirs."""
    folder = tmp_path / "home"
    (folder / "week 1" / "Übung").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "week 1" / "exercise.ipynb").write_text("{}\n")
    (folder / "week 1" / "Übung" / ("long" * 40)).write_bytes(os.urandom(3 * tree.BLOCK))
    (folder / "script.sh").write_text("#!/bin/sh\n")
    (folder / "script.sh").chmod(0o750)
    (folder / "course").symlink_to("/srv/course")
    (folder / "week 1" / "up").symlink_to("../script.sh")
    Path(os.fsdecode(os.fsencode(folder) + b"/bad-\xff")).write_text("odd")
    with open(folder / "sparse", "wb") as file:
        file.truncate(5 * tree.BLOCK)
    os.mkfifo(folder / "pipe")
    return folder


def test_an_archive_is_a_tar_of_the_same_bytes_each_time(home: Path, tmp_path: Path) -> None:
    archive, result = pack(home)
    assert (archive, result) == pack(home)
    # Two files, one of them sparse, with random content, and three small ones.
    assert (result["files"], result["unreadable"], result["changed"]) == (5, [], False)
    (tmp_path / "a.tar.gz").write_bytes(archive)
    (tmp_path / "by-tar").mkdir()
    subprocess.run(
        ["tar", "--extract", "--file", tmp_path / "a.tar.gz", "--directory", tmp_path / "by-tar"], check=True
    )
    assert read_files(tmp_path / "by-tar") == read_files(home)


def test_a_home_comes_back_as_it_was(home: Path, tmp_path: Path) -> None:
    archive, result = pack(home)
    target = tmp_path / "other"
    target.mkdir()
    done = restore(target, archive, result)
    assert json.loads(done.stdout) == {"written": 7, "same": 0, "beside": 0, "folder": "restored"}
    assert read_files(target) == read_files(home)
    assert (target / "empty").is_dir()
    assert (target / "sparse").stat().st_blocks * 512 < tree.BLOCK
    assert pack(target)[1]["content"] == result["content"]


def test_nothing_is_overwritten(home: Path) -> None:
    archive, result = pack(home)
    (home / "script.sh").write_text("mine\n")
    (home / "course").unlink()
    (home / "empty").rmdir()
    # Files that the archive has in a folder, which is a link now.
    (home / "week 1").rename(home / "elsewhere")
    (home / "week 1").symlink_to("elsewhere")
    done = restore(home, archive, result)
    assert json.loads(done.stdout) == {"written": 1, "same": 2, "beside": 4, "folder": "restored"}
    assert (home / "script.sh").read_text() == "mine\n"
    assert (home / "restored" / "script.sh").read_text() == "#!/bin/sh\n"
    assert (home / "restored" / "week 1" / "exercise.ipynb").exists() and (home / "week 1").is_symlink()
    assert json.loads(restore(home, archive, result).stdout)["folder"] == "restored-2"


def test_one_file(home: Path) -> None:
    archive, result = pack(home)
    (home / "week 1" / "exercise.ipynb").unlink()
    done = restore(home, archive, result, only="week 1/exercise.ipynb")
    assert json.loads(done.stdout)["written"] == 1 and (home / "week 1" / "exercise.ipynb").read_text() == "{}\n"
    assert b"week 2 is not in this archive" in restore(home, archive, result, only="week 2").stderr


@pytest.mark.parametrize("damage", ["flipped", "short", "other"])
def test_what_does_not_arrive_whole_changes_nothing(home: Path, tmp_path: Path, damage: str) -> None:
    archive, result = pack(home)
    flipped = bytearray(archive)
    flipped[len(flipped) // 2] ^= 1
    given = {"flipped": bytes(flipped), "short": archive[:-1000], "other": archive}[damage]
    target = tmp_path / "other"
    target.mkdir()
    done = restore(target, given, {**result, "content": "0" * 64} if damage == "other" else result)
    assert done.returncode and not [*target.iterdir()], done.stderr


@pytest.mark.parametrize("name", ["../outside", "/outside", "a/../../outside"])
def test_an_archive_does_not_lead_out_of_the_home(tmp_path: Path, name: str) -> None:
    (target := tmp_path / "home").mkdir()
    with tarfile.open(tmp_path / "bad.tar.gz", "w:gz") as bad:
        bad.addfile(tarfile.TarInfo(name))
    done = restore(target, (tmp_path / "bad.tar.gz").read_bytes(), {"sha256": "", "content": ""})
    assert b"leads out of the home" in done.stderr and not [*target.iterdir()]


def test_the_state_changes_with_every_change(home: Path) -> None:
    seen = [tree.compute_state(str(home))]
    (home / "script.sh").write_text("#!/bin/sh\n")
    seen.append(tree.compute_state(str(home)))
    (home / "script.sh").chmod(0o700)
    seen.append(tree.compute_state(str(home)))
    (home / "empty" / ".hidden").touch()
    seen.append(tree.compute_state(str(home)))
    assert len({*seen}) == 4 and tree.compute_state(str(home)) == seen[-1]
    assert json.loads(run_agent("state", home).stdout) == seen[-1]


def test_a_home_is_emptied_and_nothing_behind_its_links(home: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "kept").touch()
    (home / "away").symlink_to(tmp_path / "elsewhere")
    assert json.loads(run_agent("empty", home).stdout) == []
    assert (tmp_path / "elsewhere" / "kept").exists()


def test_a_file_that_shrinks_while_it_is_read_keeps_the_archive_whole() -> None:
    body = packing.Content(io.BytesIO(b"abc"), 5)
    assert body.read(4) + body.read(4) == b"abc\0\0"


def test_a_stream_that_ends_early_is_found(home: Path) -> None:
    read, write = os.pipe()
    os.write(write, struct.pack(">I", 100) + b"only this")
    os.close(write)
    with os.fdopen(read, "rb") as stream, pytest.raises(EOFError):
        pods.Pod("prod", "", None).read_frames(stream, io.BytesIO(), threading.Event())


def test_a_flipped_byte_in_the_folder_is_found(home: Path, tmp_path: Path) -> None:
    archive, result = pack(home)
    entry = {**result, "file": "ada.tar.gz"}
    assert archives.find_damage(tmp_path, entry) == "it is missing"
    (tmp_path / "ada.tar.gz").write_bytes(archive)
    assert archives.find_damage(tmp_path, entry) == ""
    archives.require_file(tmp_path, entry, "week 1")
    with pytest.raises(UserError, match=r"FILE: 'week 1/exercise\.ipnyb' .* It has 'week 1/exercise\.ipynb'"):
        archives.require_file(tmp_path, entry, "week 1/exercise.ipnyb")
    (tmp_path / "ada.tar.gz").write_bytes(archive[:500] + bytes([archive[500] ^ 1]) + archive[501:])
    with pytest.raises(UserError, match=r"ada\.tar\.gz: it is damaged"):
        archives.require_whole(tmp_path, entry)


def test_one_archive_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "left.part").touch()
    with archives.lock(tmp_path):
        assert not [*tmp_path.glob("*.part")]
        with pytest.raises(UserError, match="another `make archive` writes to it"), archives.lock(tmp_path):
            pass


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("restore",), "STUDENT: say whose home, such as `make restore ENV=prod STUDENT=ada`"),
        (("restore", "--student", "ada", "--all"), "STUDENT: say whose home"),
        (("restore", "--all", "--as", "eve"), "AS and FILE are for one STUDENT"),
        (("archive", "--at-once", "0"), "AT_ONCE: 0 is too few. Write how many homes"),
        (("archive", "--limit", "fast"), "LIMIT: 'fast' is not in JupyterHub's units"),
        (("backup-drill", "--from", "/nowhere"), "/nowhere: it has no archive. Run `make archive ENV=prod` first"),
    ],
)
def test_a_mistake_gets_a_sentence(arguments: tuple[str, ...], said: str) -> None:
    """Before a cluster is asked, and before anything of a repository is read."""
    parsed = parse_arguments([arguments[0], "--env", "prod", *arguments[1:]])
    with pytest.raises(UserError, match=re.escape(said)):
        load_command(arguments[0]).run(parsed)


NEW_HOMES = {
    "nobody": (
        False,
        ["noba"],
        "nobody has not signed in to hub-prod yet: the claim claim-nobody is created, for a user of "
        "exactly this name. Check how it is spelled (there is noba)",
    ),
    "hugo": (True, [], "hugo has no home on hub-prod yet: the claim claim-hugo is created"),
    "eve": (
        None,
        [],
        "eve has no home on hub-prod yet: the claim claim-eve is created, for a user of exactly this name.",
    ),
    "Ada": (False, ["ada"], "Ada: hub-prod has the user ada. Write the name as the hub does"),
    "ada": (True, ["ada"], ""),
}


@pytest.mark.parametrize("student", NEW_HOMES)
def test_a_home_that_is_created_is_announced(student: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known, close, said = NEW_HOMES[student]
    monkeypatch.setattr(listing.chart, "name_release", lambda env: f"hub-{env}")
    monkeypatch.setattr(listing, "is_shared", lambda _: False)
    names = {student: {"name": f"claim-{student}", "label": student, "known": known, "close": close}}
    homes = [listing.Home(key="claim-ada", student="ada", claim="claim-ada")]
    try:
        found = listing.describe_new_home("prod", student, homes, names)
    except UserError as error:
        found = str(error)
    assert found.startswith(said) and bool(found) == bool(said)


def test_kubespawner_names_a_home_where_the_database_is_elsewhere() -> None:
    pytest.importorskip("kubespawner", reason="jupyterhub-kubespawner is not installed: pip install it")
    done = subprocess.run(
        [sys.executable, "-c", listing.NAMING, "claim-{user_server}", "safe", "Jörg"], capture_output=True, text=True
    )
    (named,) = json.loads(done.stdout).values()
    assert named["name"].startswith("claim-j-rg---") and named["known"] is None and named["close"] == []


def test_make_passes_on_what_was_typed(bake: Callable[..., Path]) -> None:
    def show(*words: str) -> str:
        return subprocess.run(["make", "--dry-run", *words], cwd=bake(), capture_output=True, text=True).stdout

    # Make has a variable AS of its own, and a terminal has TERM.
    assert "--as" not in show("restore", "STUDENT=ada") and '--as="$AS"' in show("restore", "STUDENT=ada", "AS=eve")
    assert '--old="$OLD"' in show("new-term", "OLD=2026-autumn")


def test_a_term_without_homes_says_that_nothing_was_archived(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    term_homes = load_command("term_homes")
    monkeypatch.setattr(term_homes.chart, "name_release", lambda env: f"hub-{env}")
    monkeypatch.setattr(term_homes, "find_folder", lambda _: Path("/nowhere"))
    monkeypatch.setattr(term_homes, "archive_homes", lambda *_: 0)
    for choice in "archive", "empty":
        term_homes.treat(choice, "term-2026-autumn")
        assert "hub-prod has no homes, because nobody has signed in: nothing was archived" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("files", "source", "said"),
    [
        (
            ["archive/prod/manifest.json"],
            "archive",
            "FROM: 'archive' has archives in folders of it. Write one: FROM=archive/prod",
        ),
        (["prod/claim-ada.tar.gz"], "prod/claim-ada.tar.gz", "is a file. Write the folder that it is in"),
        (
            ["prod/.lock", "prod/claim-ada.tar.gz", "prod/b.tar.gz"],
            "prod",
            "has archives of students and no manifest.json",
        ),
        (["prod/.lock", "prod/claim-ada.tar.gz", "prod/manifest.json"], "prod", ""),
        (["ada/data.tar.gz", "ada/week-1/exercise.ipynb"], "ada", ""),
    ],
)
def test_no_student_gets_the_archives_of_all(tmp_path: Path, files: list[str], source: str, said: str) -> None:
    """A folder without a manifest is taken as a home, such as restic has restored it."""
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    if said:
        with pytest.raises(UserError, match=re.escape(said)):
            load_command("restore").require_one_home(tmp_path / source, source)
    else:
        load_command("restore").require_one_home(tmp_path / source, source)
