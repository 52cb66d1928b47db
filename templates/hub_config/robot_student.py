# The scope with which the robot student creates its user, admin:users, also renames it. JupyterHub has no narrower one.
# Under the name of somebody who has not signed in yet, the user's home would become that person's.
from jupyterhub import orm
from sqlalchemy import event
from tornado.web import HTTPError

reserved = set(c.Authenticator.get("blocked_users", []))


@event.listens_for(orm.User.name, "set", active_history=True)
def keep_reserved_names(user, name, old, initiator):
    if isinstance(old, str) and name != old and not reserved.isdisjoint([name, old]):
        raise HTTPError(403, f"{old} cannot be renamed to {name}: one of the names is in Authenticator.blocked_users")
