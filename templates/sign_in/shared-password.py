# SharedPasswordAuthenticator looks in admin_users for the name as it was typed, and afterwards makes it lower case:
# 'Instructor' with the students' password would be signed in as the instructor. Here lower case comes first.
from jupyterhub.authenticators.shared import SharedPasswordAuthenticator


class LowerCaseNames(SharedPasswordAuthenticator):
    async def authenticate(self, handler, data):
        name = self.normalize_username(data["username"])
        return await super().authenticate(handler, {**data, "username": name})


c.JupyterHub.authenticator_class = LowerCaseNames
