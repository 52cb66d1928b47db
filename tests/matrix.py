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

# What follows from a choice: an answer without which it cannot be.
ALLOW = {
    "github": "example-org",
    "google": "example.edu",
    "cilogon": "https://idp.example.edu/idp/shibboleth",
    "microsoft": "everybody",
    "oidc": "alice,bob",
}
# Free answers whose being there or not selects something, with two values each.
FREE = {
    "image_name": ["", "registry.example.edu/course/image"],
    "course_content": ["", "https://git.example.edu/course/content.git"],
    "class_times": ["", "mon 10:00-11:30, wed 10:00-11:30"],
    "peak_students": ["20", "200", "2000"],
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
# Every way to be refused for answers that are each good on their own.
FORBIDDEN = [
    ({"tls": tls}, f"tls '{tls}' and an empty hub_domain cannot live together")
    for tls in ("autohttps", "ingress", "gateway", "offload")
] + [
    (
        {"tls": "autohttps", "platform": "k3s", "hub_domain": "hub.example.edu"},
        "tls 'autohttps' and platform 'k3s' cannot live together",
    ),
    ({"students": "20", "peak_students": "21"}, "peak_students 21 is above students 20"),
    ({"memory_limit": "1G", "memory_guarantee": "1025M"}, "memory_guarantee 1025M is above memory_limit 1G"),
    ({"students": "4000", "peak_students": "3001"}, "peak_students 3001 is above 3000"),
    ({"memory_limit": "151G"}, "memory_guarantee 151G is above 150G"),
    *(
        (
            {"sign_in": sign_in, "sign_in_allow": allow},
            f"sign_in '{sign_in}' and sign_in_allow '{allow}' cannot live together",
        )
        for sign_in, answers in UNFIT.items()
        for allow in answers
    ),
    ({"sign_in": "github", "sign_in_allow": "Everybody"}, "sign_in_allow 'Everybody' must be everybody alone"),
    ({"sign_in": "oidc", "sign_in_allow": "everybody, ada"}, "sign_in_allow 'everybody, ada' must be everybody alone"),
    (
        {"sign_in": "github", "sign_in_allow": "org", "admin_users": "ada@example.edu"},
        "sign_in 'github' and admin_users 'ada@example.edu' cannot live together",
    ),
    (
        {"sign_in": "google", "sign_in_allow": "a.edu, b.edu", "admin_users": "hopper@b.edu, ada@c.edu"},
        "sign_in_allow 'a.edu, b.edu' and admin_users 'hopper@b.edu, ada@c.edu' cannot live together",
    ),
    ({"interface": "vscode"}, "interface 'vscode' and an empty image_name cannot live together"),
    (
        {"interface": "rstudio", "image_base": "r-notebook"},
        "interface 'rstudio' and an empty image_name cannot live together",
    ),
    (
        {"interface": "rstudio", "image_name": "registry.example.edu/course/image"},
        "interface 'rstudio' and image_base 'scipy-notebook' cannot live together",
    ),
    (
        {
            "interface": "rstudio",
            "image_base": "r-notebook",
            "image_name": "registry.example.edu/course/image",
            "architecture": "both",
        },
        "interface 'rstudio' and architecture 'both' cannot live together",
    ),
    (
        {"course_content": "https://git.example.edu/course.git", "image_base": "base-notebook"},
        "course_content and image_base 'base-notebook' cannot live together",
    ),
]


def allowed(cell: dict[str, str]) -> bool:
    """Whether the choices made so far can live together."""
    not_in_the_base = cell.get("interface") in ("rstudio", "vscode") and cell.get("image_name") == ""
    not_for_arm = cell.get("interface") == "rstudio" and cell.get("architecture", "amd64") != "amd64"
    held_ports = cell.get("tls") == "autohttps" and cell.get("platform") == "k3s"
    return not (not_in_the_base or not_for_arm or held_ports)


def completed(cell: dict[str, str]) -> dict[str, str]:
    """The choices with the answers that follow from them."""
    answers = dict(cell, students="3000", sign_in_allow=ALLOW.get(cell["sign_in"], ""))
    if cell["interface"] == "rstudio":
        answers["image_base"] = "r-notebook"
    if cell["tls"] != "none":
        answers["hub_domain"] = "hub.example.edu"
    return answers


def uncovered(cells: list[dict[str, str]]) -> list[tuple]:
    """The allowed pairs of choices that stand in no cell."""
    return [
        ((one, first), (two, second))
        for one, two in combinations(CHOICES, 2)
        for first in CHOICES[one]
        for second in CHOICES[two]
        if allowed({one: first, two: second}) and not any(cell[one] == first and cell[two] == second for cell in cells)
    ]


def pairs() -> list[dict[str, str]]:
    """The fewest sets of answers, or nearly so, in which every allowed pair of choices stands."""
    names = list(CHOICES)
    rows = AllPairs(list(CHOICES.values()), filter_func=lambda row: allowed(dict(zip(names, row, strict=False))))
    cells = [dict(zip(names, row, strict=True)) for row in rows]
    # AllPairs gives up a pair when its other choices so far are forbidden with it.
    plain = {name: values[0] for name, values in CHOICES.items()}
    while missing := uncovered(cells):
        others = [plain, *(plain | {name: value} for name, values in CHOICES.items() for value in values)]
        cells.append(next(cell for other in others if allowed(cell := other | dict(missing[0]))))
    return [completed(cell) for cell in cells]


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
PAIRS = {f"pair-{number:02}": cell for number, cell in enumerate(pairs(), 1)}
# Answer files of real situations. A guard refuses classes of a term that is over, and so these terms end next year.
NEXT_YEAR = {"term_ends": f"{date.today().year + 1}-12-18"}
EXAMPLES = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) | NEXT_YEAR for path in TEMPLATE.glob("examples/*.yaml")
}
CELLS = NAMED | EXAMPLES | PAIRS
