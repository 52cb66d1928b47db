"""The answers that the tests render: named examples, every allowed pair of choices, and the forbidden ones."""

import json
from datetime import date
from itertools import combinations
from pathlib import Path

import yaml
from allpairspy import AllPairs

TEMPLATE = Path(__file__).resolve().parent.parent
QUESTIONS = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))
KEYS = [key for key in QUESTIONS if key[0] != "_"]

# Who may sign in, for each sign-in: an answer of each kind that it takes.
ALLOW = {
    "shared-password": {"empty": "", "one": "ada", "several": "ada, grace", "everybody": "everybody"},
    "github": {"one": "example-org", "several": "example-org, other:team, user:octocat", "everybody": "everybody"},
    "google": {"one": "example.edu", "several": "ada@example.edu,grace@example.org", "everybody": "everybody"},
    "cilogon": {
        "one": "https://idp.example.edu/idp/shibboleth",
        "several": "https://idp.example.edu/idp/shibboleth, urn:mace:incommon:example.edu",
    },
    "microsoft": {"one": "example.edu", "several": "ada@example.edu, grace@example.edu", "everybody": "everybody"},
    "lti13": {"empty": "", "one": "ada@example.edu", "several": "ada@example.edu, 4711", "everybody": "everybody"},
    "oidc": {"one": "example.edu", "several": "ada, user:grace.h, group:course", "everybody": "everybody"},
}
# Values of free text that stand beside each choice and beside each other.
FREE = {
    "course_title": ["Introduction to Data Science", 'It\'s "statistics": part 2 #1'],
    "contact_email": ["course-team@example.edu", "*help+1@it.example.org"],
    "sign_in_allow": ["empty", "one", "several", "everybody"],
    "admin_users": ["instructor", "ada, grace"],
    "hub_domain": ["", "hub.example.edu"],
    "peak_students": ["20", "200", "2000"],
    "memory_guarantee": ["2G", "768M"],
    "image_base": ["of the Docker Stacks", "registry.example.edu/course/base:1.0"],
    "image_name": ["", "registry.example.edu/course/image"],
    "course_content": ["", "https://git.example.edu/course/content.git"],
    "timezone": ["UTC", "Europe/Berlin"],
    "class_times": ["", "mon 10:00-11:30, WED 10:00-11:30"],
    "term_ends": ["", "2098-02-12"],
}
CHOICES = {key: value for key, value in QUESTIONS.items() if key[0] != "_" and isinstance(value, list)} | FREE

# What a sign-in does not take as sign_in_allow, and where it would let in nobody, or everybody without saying so.
UNFIT = {
    "shared-password": ["https://idp.example.edu/idp/shibboleth"],
    "github": ["", "example.edu", "ada@example.edu", "org:team:x"],
    "google": ["", "example-org", "example.edu, ada@gmail.com", "gmail.com"],
    "cilogon": ["", "everybody", "example.edu", "http://google.com/accounts/o8/id"],
    "microsoft": ["", "example-org", "example.edu, ada@example.edu"],
    "lti13": ["example.edu"],
    "oidc": ["", "example.edu, ada", "ada, grace@example.edu"],
}
# Every way to be rejected for answers that are each good on their own.
FORBIDDEN = [
    ({"tls": tls}, f"tls '{tls}' conflicts with hub_domain '': HTTPS requires a host name. Enter hub_domain")
    for tls in ("autohttps", "ingress", "gateway", "offload")
] + [
    (
        {"tls": "autohttps", "platform": "k3s", "hub_domain": "hub.example.edu"},
        "tls 'autohttps' conflicts with platform 'k3s': the Traefik of k3s uses ports 80 and 443. Choose tls ingress.",
    ),
    (
        {"tls": "autohttps", "platform": "k3s"},
        "Enter hub_domain, or choose tls none.\ntls 'autohttps' conflicts with platform 'k3s': the Traefik",
    ),
    ({"students": "20", "peak_students": "21"}, "peak_students '21' conflicts with students '20': only enrolled"),
    (
        {"memory_limit": "1G", "memory_guarantee": "1025M"},
        "memory_guarantee '1025M' conflicts with memory_limit '1G': the guarantee is above the limit. Lower the",
    ),
    ({"students": "4000", "peak_students": "3001"}, "peak_students: is above 3000, the most that one hub can serve"),
    ({"memory_limit": "151G"}, "memory_limit: is above 150G, more than a node has for one student ('151G')."),
    ({"memory_limit": "127M"}, "memory_limit: is below 128M, with which a server does not start ('127M')."),
    *(
        (
            {"sign_in": sign_in, "sign_in_allow": allow},
            f"sign_in_allow '{allow}' conflicts with sign_in '{sign_in}': ",
        )
        for sign_in, answers in UNFIT.items()
        for allow in answers
    ),
    *(
        (
            {"sign_in": sign_in, "sign_in_allow": allow},
            f"sign_in_allow: says everybody and more ('{allow}'). Enter everybody alone, in lower case, or",
        )
        for sign_in, allow in (("github", "Everybody"), ("oidc", "everybody, ada"))
    ),
    (
        {"sign_in": "github", "sign_in_allow": "org", "admin_users": "ada@example.edu"},
        "admin_users 'ada@example.edu' conflicts with sign_in 'github': GitHub's user names have only letters",
    ),
    (
        {"sign_in": "google", "sign_in_allow": "a.edu, b.edu", "admin_users": "hopper@b.edu, ada@c.edu"},
        "admin_users 'hopper@b.edu, ada@c.edu' conflicts with sign_in_allow 'a.edu, b.edu': Google lets no one from",
    ),
    (
        {"interface": "vscode"},
        "image_name '' conflicts with interface 'vscode' and image_base 'scipy-notebook': that image does not have it.",
    ),
    (
        {"interface": "rstudio"},
        "image_name '' conflicts with interface 'rstudio' and image_base 'r-notebook': that image does not have it.",
    ),
    (
        {"interface": "rstudio", "image_base": "scipy-notebook", "image_name": "registry.example.edu/course/image"},
        "image_base 'scipy-notebook' conflicts with interface 'rstudio': it does not have R. Enter r-notebook or",
    ),
    (
        {"interface": "rstudio", "image_name": "registry.example.edu/course/image", "architecture": "both"},
        "architecture 'both' conflicts with interface 'rstudio': RStudio Server is published for amd64 only. Choose",
    ),
    (
        {"course_content": "https://git.example.edu/course.git", "image_base": "base-notebook"},
        "conflicts with image_base 'base-notebook': it does not have git. Enter image_base minimal-notebook.",
    ),
]


def allowed(row: dict[str, str]) -> bool:
    """Tell whether the answers so far can be combined."""
    docker_stacks = row.get("image_base") == FREE["image_base"][0]
    return not (
        (row.get("interface") in ("rstudio", "vscode") and row.get("image_name") == "" and docker_stacks)
        or (row.get("interface") == "rstudio" and row.get("architecture", "amd64") != "amd64" and docker_stacks)
        or (row.get("tls") == "autohttps" and row.get("platform") == "k3s")
        or (row.get("tls", "none") != "none" and row.get("hub_domain") == "")
        or ("sign_in" in row and "sign_in_allow" in row and row["sign_in_allow"] not in ALLOW[row["sign_in"]])
    )


def completed(row: dict[str, str]) -> dict[str, str]:
    """Return the answers that a row stands for."""
    answers = dict(row, students="3000", sign_in_allow=ALLOW[row["sign_in"]][row["sign_in_allow"]])
    if row["image_base"] == FREE["image_base"][0]:
        answers["image_base"] = "r-notebook" if row["interface"] == "rstudio" else "scipy-notebook"
    return answers


def uncovered(rows: list[dict[str, str]]) -> list[tuple]:
    """Return the allowed pairs of values that stand in no row."""
    return [
        ((one, first), (two, second))
        for one, two in combinations(CHOICES, 2)
        for first in CHOICES[one]
        for second in CHOICES[two]
        if allowed({one: first, two: second}) and not any(row[one] == first and row[two] == second for row in rows)
    ]


def pairs() -> list[dict[str, str]]:
    """Return the fewest rows, or nearly so, in which every allowed pair of values stands."""
    names = list(CHOICES)
    found = AllPairs(list(CHOICES.values()), filter_func=lambda row: allowed(dict(zip(names, row, strict=False))))
    rows = [dict(zip(names, row, strict=True)) for row in found]
    # AllPairs gives up a pair when its other choices so far are forbidden with it.
    while missing := uncovered(rows):
        pair = dict(missing[0])
        others = [row | pair for row in rows]
        rows.append(next(row for row in others if allowed(row)))
    return rows


# Situations in full, by name.
NAMED = {
    "defaults": {},
    "github-k3s": {
        "sign_in": "github",
        "sign_in_allow": "example-org",
        "hub_domain": "hub.example.edu",
        "tls": "ingress",
        "platform": "k3s",
        "ci": "github",
    },
    "every-letter": {
        "course_title": "Ω: \"quotes\" 'n' #1 {{ x }} $(id) `id` \\ %s 100% & <b> 🐍 مقدمة في علم البيانات",
        "hub_name": "a",
        "admin_users": "null, 123, true, o.k-1@example.edu",
    },
}
ROWS = {f"pair-{number:02}": row for number, row in enumerate(pairs(), 1)}
PAIRS = {name: completed(row) for name, row in ROWS.items()}
# Answer files of real situations. A guard rejects classes of a term that is over, and so these terms end next year.
NEXT_YEAR = {"term_ends": f"{date.today().year + 1}-12-18"}
EXAMPLES = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) | NEXT_YEAR for path in TEMPLATE.glob("examples/*.yaml")
}
CELLS = NAMED | EXAMPLES | PAIRS
