"""The encrypted files: read them into memory, and change them. Plaintext reaches sops through its input.

A file is never changed in its place: the new one is written beside it, and renamed once it has been decrypted.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import yaml

from deployer import files, marks
from deployer.errors import CommandFailedError, UserError
from deployer.paths import FAKE_SECRETS, ROOT, TRIAL, TRIAL_FOLDER, label, secrets_file
from deployer.process import find_tool, read_output, run
from deployer.secrets import identity, trial
from deployer.yaml_files import KeyPath, YamlMapping, join_keys, list_leaves, read_mapping

# The exit statuses of sops (its cmd/sops/codes) that have one cause each.
NO_KEY = 128
CHANGED = {24, 25, 51, 52}
NOTHING_EDITED = 200
# What the metadata of an encrypted file says of each kind of key.
RECIPIENT_FORMS = {
    "age": "{recipient}",
    "kms": "{arn}",
    "gcp_kms": "{resource_id}",
    "azure_kv": "{vault_url}/keys/{name}/{version}",
}


def find_key_file() -> Path:
    """Return the path of the key file, which may not exist yet."""
    if given := os.environ.get("SOPS_AGE_KEY_FILE"):
        return Path(given).expanduser().absolute()
    home = Path.home() / ("Library/Application Support" if sys.platform == "darwin" else ".config")
    return Path(os.environ.get("XDG_CONFIG_HOME") or home) / "sops" / "age" / "keys.txt"


def require_private_key_file() -> None:
    """Raise UserError where other users of this machine can read the key file."""
    file = find_key_file()
    if file.is_file() and (mode := file.stat().st_mode & 0o077):
        raise UserError(
            f"{file}: other users of this machine can use it (its mode is {file.stat().st_mode & 0o777:o}, and "
            f"{mode:o} of it must go). Run `chmod 600 {file}`"
        )


def run_sops(*arguments: str | Path, text: str | None = None) -> str:
    """Return what sops prints. Raises UserError with what it says."""
    try:
        return read_output(find_tool("sops"), *arguments, text=text)
    except CommandFailedError as error:
        raise UserError(f"sops {arguments[0]}: {error.stderr}") from error


def list_recipients(metadata: YamlMapping) -> list[str]:
    """Return the keys that open a file, by the metadata that sops has written into it."""
    return [form.format(**key) for kind, form in RECIPIENT_FORMS.items() for key in metadata.get(kind) or []]


def decrypt_file(env: str, file: Path) -> str:
    """Return an encrypted file of an environment as YAML, in memory only. Raises UserError where it cannot be opened.

    The file is the one of the environment, or a new one that shall take its place.
    """
    name = label(secrets_file(env))
    require_private_key_file()
    done = run(find_tool("sops"), "decrypt", "--input-type", "yaml", "--output-type", "yaml", file)
    if done.returncode == NO_KEY:
        keys = ", ".join(list_recipients(read_mapping(file).get("sops") or {}))
        raise UserError(
            f"{name} cannot be opened with any key that is here; it is encrypted for {keys}. docs/secrets.md says "
            "where sops looks for a key, and how somebody who has one shares the secrets with you"
        )
    if done.returncode in CHANGED:
        raise UserError(
            f"{name} is not what was encrypted: somebody, or a merge, has changed it without the key. Take a good "
            f"version (`git log {name}`) and change it with `make secrets-edit ENV={env}`"
        )
    if done.returncode:
        raise UserError(f"{name} cannot be decrypted: {done.stderr.strip()}")
    return done.stdout


def decrypt(env: str, moved: bool = False) -> str:
    """Return the secrets of an environment as YAML, in memory only. Raises UserError where they cannot be trusted.

    They must be those of this hub in this repository, unless the repository has moved.
    """
    file = secrets_file(env)
    name = label(file)
    if not file.is_file():
        raise UserError(f"{name} is missing: run `make secrets`, and commit what it writes")
    content = read_mapping(file)
    if not content.get("sops"):
        raise UserError(describe_plaintext(env, content))
    text = decrypt_file(env, file)
    problem = identity.find_problem(env, yaml.safe_load(text).get("secretsFor"))
    if problem and not moved:
        raise UserError(problem)
    return text


def read_secrets(env: str) -> str:
    """Return the secrets of an environment that can be deployed: decrypted, its own, without fakes and blanks."""
    if env == TRIAL:
        return yaml.safe_dump(trial.read_cluster_secrets(TRIAL_FOLDER))
    text = decrypt(env)
    blanks = [join_keys(path) for path, value in list_leaves(yaml.safe_load(text)) if marks.has_mark(value)]
    if blanks:
        raise UserError(
            f"secrets/{env}.yaml still has to be filled in: {', '.join(blanks)}; `make secrets ENV={env}` asks for it"
        )
    return text


def list_wanted() -> set[KeyPath]:
    """Return the keys of the secrets that every environment has."""
    return {path for path, _ in list_leaves(read_mapping(FAKE_SECRETS))}


def require_nothing_lost(env: str, new: Path) -> None:
    """Raise UserError where an edited file lacks secrets that the old one has, or is empty."""
    name = label(secrets_file(env))
    again = f"Run `make secrets-edit ENV={env}` again"
    found = read_mapping(new)
    if not found:
        raise UserError(f"{name}: not changed, because the editor has left the file empty. {again}")
    before, after = ({path for path, _ in list_leaves(item)} for item in (read_mapping(secrets_file(env)), found))
    if lost := ", ".join(sorted(join_keys(path) for path in (before & list_wanted()) - after)):
        raise UserError(f"{name}: not changed, because the editor has removed what the hub needs ({lost}). {again}")


def describe_plaintext(env: str, content: YamlMapping) -> str:
    """Return the message for a secrets file that is not encrypted, because somebody has decrypted or damaged it."""
    name = label(secrets_file(env))
    if run("git", "cat-file", "-e", f"HEAD:{name}").returncode == 0:
        restore = f"`git checkout HEAD -- {name}` brings back the encrypted one"
        older = f". If that is empty, too, `git log -- {name}` lists older ones"
    else:
        restore = "git has no version of it: if it holds nothing to keep, remove it and run `make secrets`"
        older = ""
    if not content:
        return f"{name} is empty: an editor or a full disk has left nothing in it. {restore}{older}"
    # Only what is whole is worth keeping: a file that was cut off would replace the good one for ever.
    wanted = list_wanted()
    known = wanted <= {path for path, _ in list_leaves(content)}
    keep = f"; `sops encrypt --in-place {name}` keeps what it holds now" if known else ""
    return f"{name} is not encrypted: its values must not reach git. {restore}{keep}"


def replace_file(env: str, write: Callable[[Path], None]) -> None:
    """Let a function write a new encrypted file beside the old one, and rename it once it has been decrypted.

    Raises UserError where that fails. Then the old file is as it was.
    """
    file = secrets_file(env)
    try:
        file.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".") as folder:
            new = Path(folder, file.name)
            write(new)
            decrypt_file(env, new)
            os.replace(new, file)
    except OSError as error:
        raise files.describe_failed_write(file, error) from error
    finally:
        with contextlib.suppress(OSError):
            # Only where it is empty.
            file.parent.rmdir()


def write_values(file: Path, values: Mapping[KeyPath, str]) -> None:
    """Set values in an encrypted file; the others keep their ciphertext."""
    for path, value in values.items():
        index = "".join(f"[{json.dumps(key)}]" for key in path)
        run_sops("set", "--value-stdin", file, index, text=json.dumps(value))


def encrypt(env: str, text: str, values: Mapping[KeyPath, str] | None = None) -> None:
    """Encrypt a text as the secrets of an environment, for the keys of .sops.yaml, with a new data key.

    Some values of the text may be replaced.
    """

    def write(new: Path) -> None:
        name = label(secrets_file(env))
        new.write_text(run_sops("encrypt", "--filename-override", name, text=text), encoding="utf-8")
        write_values(new, values or {})

    replace_file(env, write)


def set_values(env: str, values: Mapping[KeyPath, str]) -> None:
    """Set values in the encrypted file of an environment; the others keep their ciphertext."""

    def write(new: Path) -> None:
        shutil.copyfile(secrets_file(env), new)
        write_values(new, values)

    replace_file(env, write)


def edit(env: str, folder: str) -> bool:
    """Open the decrypted file in an editor. sops writes it to a temporary file in a folder, which is in memory.

    Returns whether it was changed.
    """
    environ = {**os.environ, "TMPDIR": folder}
    if not {"SOPS_EDITOR", "EDITOR"} & environ.keys():
        # Without a swap file and without the history of registers in the home folder.
        environ["EDITOR"] = "vim -n -i NONE"
    status = 0

    def write(new: Path) -> None:
        nonlocal status
        shutil.copyfile(secrets_file(env), new)
        status = subprocess.run([find_tool("sops"), "edit", new], cwd=ROOT, env=environ).returncode
        if status not in (0, NOTHING_EDITED):
            raise UserError(f"secrets/{env}.yaml: not changed, sops says above why")
        require_nothing_lost(env, new)

    replace_file(env, write)
    return status == 0
