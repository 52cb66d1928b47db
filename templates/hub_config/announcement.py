# `make announce` keeps its text in the properties of the group `announcement`, which has no members. The hub's pages
# read it each time, below what templateVars say, so that neither the hub nor a server restarts.
def show_announcements(texts):
    # Snippets share their global names, so these are local.
    from datetime import datetime, timezone

    from jinja2.utils import urlize
    from jupyterhub import orm
    from jupyterhub.app import JupyterHub

    def read():
        group = orm.Group.find(JupyterHub.instance().db, "announcement")
        told = (group.properties if group else None) or {}
        try:
            ended = datetime.fromisoformat(told["until"]).astimezone(timezone.utc) <= datetime.now(timezone.utc)
        except (KeyError, TypeError, ValueError):
            ended = False
        text = "" if ended else told.get("text")
        # The template takes HTML: what is typed must not be any.
        return f'<span class="course-announcement">{urlize(str(text), rel="noopener")}</span>' if text else ""

    def add(given):
        return lambda user: "<br>".join(filter(None, [given(user) if callable(given) else given, read()]))

    # announcement_login and the like stand in place of announcement on their pages.
    texts = {"announcement": "", **texts}
    return {key: add(text) if key.startswith("announcement") else text for key, text in texts.items()}


c.JupyterHub.template_vars = show_announcements(c.JupyterHub.get("template_vars", {}))
