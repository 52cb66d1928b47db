"""Forget the secrets of a repository, and everyone who could open them: the beginning of a hub of its own."""

from deployer import copier
from deployer.errors import UserError
from deployer.paths import ENVIRONMENTS, SOPS_RULES, label, secrets_file
from deployer.process import read_output
from deployer.secrets import keys, rules


def require_committed() -> None:
    """Raise UserError where git does not have the files that would be removed."""
    paths = [label(SOPS_RULES), *(label(secrets_file(env)) for env in ENVIRONMENTS)]
    if changed := read_output("git", "status", "--porcelain", "--", *paths).strip():
        raise UserError(f"commit or undo these changes first, so that git has what is removed:\n{changed}")


def forget_secrets() -> None:
    """Remove the encrypted files, and write .sops.yaml as the template does for a new hub.

    With age, a new key of one's own becomes the only recipient: with an old one, everyone who has that key, such as
    another computer, could open the new secrets.
    """
    copier.write_again(SOPS_RULES.name)
    for env in ENVIRONMENTS:
        secrets_file(env).unlink(missing_ok=True)
    if "age" in rules.find_rule(ENVIRONMENTS[0]):
        recipient = keys.add_own_key()
        for env in ENVIRONMENTS:
            keys.write_recipients(env, {recipient: keys.describe_person()})
