"""Show a text on every page of the hub, without a restart of the hub or of anybody's server."""

import argparse
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from deployer import chart, values
from deployer.cluster import hub_api
from deployer.cluster.hub_api import Hub
from deployer.commands.options import add_environment
from deployer.errors import UserError
from deployer.yaml_files import find_value


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_environment(parser)
    parser.add_argument("--text", help="what everybody reads; an empty text removes it; without it, it is printed")
    parser.add_argument("--until", default="", help="when it disappears, such as '2027-02-12 18:00', in course time")


def run(arguments: argparse.Namespace) -> None:
    env, text = arguments.env, arguments.text
    zone = find_value(values.read_values(env), "course", "calendar", "timezone") or "UTC"
    end = parse_end(arguments.until, zone, datetime.now().astimezone())
    if end and not text:
        raise UserError(f"TEXT: missing. Write it too: `make announce ENV={env} TEXT='...' UNTIL='2027-02-12 18:00'`")
    with hub_api.connect(env) as hub:
        if text is None:
            print_announcement(hub, env, zone)
        elif text.strip():
            announce(hub, env, text.strip(), end)
        else:
            hub.write_announcement({})
            print("The announcement is removed.")


def parse_end(until: str, zone: str, now: datetime) -> datetime | None:
    """Return when an announcement ends: a day ends at midnight. None for no end. Raises UserError for what is over."""
    if not until:
        return None
    try:
        end = datetime.fromisoformat(until) + (timedelta(days=1) if len(until) <= len("2027-02-12") else timedelta())
        end = end if end.tzinfo else end.replace(tzinfo=ZoneInfo(zone))
    except ZoneInfoNotFoundError as error:
        raise UserError(f"course.calendar.timezone: this computer has no time zone '{zone}'. Install tzdata") from error
    except ValueError as error:
        raise UserError(f"UNTIL: '{until}' is not a time. Write it as '2027-02-12 18:00', or as 2027-02-12") from error
    if end <= now:
        present = now.astimezone(end.tzinfo).strftime("%Y-%m-%d %H:%M")
        raise UserError(f"UNTIL: '{until}' is over: it is {present} in {zone}. Write a time to come")
    return end


def announce(hub: Hub, env: str, text: str, end: datetime | None) -> None:
    """Write an announcement, and look whether the hub's pages show it."""
    hub.write_announcement({"text": text, **({"until": end.isoformat()} if end else {})})
    if not hub.shows_announcement():
        raise UserError(
            "TEXT: the hub has it, and its pages do not show it. Look in config/ for what replaces them: "
            "JupyterHub.template_vars in hub.extraConfig, or page.html in hub.templatePaths"
        )
    print(
        f"The hub's pages show it{f' until {format_end(end)}' if end else ''}: sign-in, start of a server, home. "
        f"A notebook that is open does not. `make announce ENV={env} TEXT=` removes it."
    )


def print_announcement(hub: Hub, env: str, zone: str) -> None:
    """Print what is announced, with its end in course time."""
    found = hub.read_announcement()
    if not found.get("text"):
        print(f"{chart.name_release(env)}: nothing is announced. `make announce ENV={env} TEXT='...'` does it")
        return
    until = found.get("until")
    end = f", until {format_end(datetime.fromisoformat(until).astimezone(ZoneInfo(zone)))}" if until else ""
    print(f"{chart.name_release(env)}{end}:")
    print(found["text"])


def format_end(end: datetime) -> str:
    """Return the end of an announcement for people, with its time zone."""
    return end.strftime("%a %Y-%m-%d %H:%M %Z")
