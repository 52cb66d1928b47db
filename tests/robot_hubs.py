"""Configurations of the hubs that the robot student is sent to, and what the chart tells it to expect."""

import json
from pathlib import Path

from repositories import objects, render

TOKEN = "token-of-this-test"  # noqa: S105
ROBOT = "robot-student-user"
AS_ROBOT = {"Authorization": f"token {TOKEN}"}


def broken_path(folder: str) -> str:
    """Configuration that puts a folder with a broken module first where servers look for modules."""
    return f'\nc.Spawner.environment["PYTHONPATH"] = "{{folder}}/{folder}"\n'


SHARED = """
c.JupyterHub.authenticator_class = "shared-password"
c.Authenticator.allow_all = True
c.SharedPasswordAuthenticator.user_password = "a password of this test"
"""
PROVIDER = """
c.JupyterHub.authenticator_class = "generic-oauth"
c.Authenticator.allow_all = True
c.GenericOAuthenticator.client_id = "hub"
c.GenericOAuthenticator.client_secret = "a secret of this test"
c.GenericOAuthenticator.authorize_url = "https://login.example.edu/authorize"
c.GenericOAuthenticator.oauth_callback_url = "https://hub.example.edu/hub/oauth_callback"
"""
LTI = """
c.JupyterHub.authenticator_class = "ltiauthenticator.lti13.auth.LTI13Authenticator"
c.Authenticator.allow_all = True
c.LTI13Authenticator.issuer = "https://campus.example.edu"
c.LTI13Authenticator.authorize_url = "https://campus.example.edu/mod/lti/auth.php"
c.LTI13Authenticator.client_id = {"hub"}
"""
GOOD = (
    SHARED
    + """
from pathlib import Path
def course(spawner):
    folder = Path(spawner.home_dir) / "course"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lesson.ipynb").write_text("{}")
c.Spawner.pre_spawn_hook = course
"""
    + broken_path("package-broken")
)


def expected_of(repository: Path, env: str) -> tuple[dict, list[dict]]:
    """What the chart tells the robot to expect in an environment, and all objects."""
    rendered = objects(render(repository, env))
    pod = next(item for item in rendered if item["kind"] == "Pod")
    return json.loads(next(e["value"] for e in pod["spec"]["containers"][0]["env"] if e["name"] == "EXPECT")), rendered
