# SharedPasswordAuthenticator looks for the typed name in admin_users, and makes it lower case afterwards: 'Instructor'
# with the students' password would become the instructor. Here it is lower case first.
from jupyterhub.authenticators.shared import SharedPasswordAuthenticator


class LowerCaseNames(SharedPasswordAuthenticator):
    async def authenticate(self, handler, data):
        name = self.normalize_username(data["username"])
        return await super().authenticate(handler, {**data, "username": name})


# Another sign-in in ../config stays what it is.
if "shared" in str(c.JupyterHub.get("authenticator_class")):
    c.JupyterHub.authenticator_class = LowerCaseNames
