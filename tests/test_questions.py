"""questions.yaml and what is written from it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import product

import pytest
import yaml
from cookiecutter_json import write_context
from jinja2 import Environment, meta, nodes
from questions import JINJA, SOURCE, Conflict, Question, Questions, read_questions

from repositories import TEMPLATE, tracked

ALL = read_questions()
KEYS = ALL.keys()
FREE = [question for question in ALL.questions if not question.choices]
RULES = [(question, rule) for question in ALL.questions for rule in question.rules]
ENVIRONMENT = Environment(**JINJA, extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"])
SOURCES = [name for name in tracked(TEMPLATE) if name.startswith(("<<cookiecutter.hub_name>>/", "templates/"))]
# Pieces that no include asks for, although the name of a choice leads to them: a condition is in front of it.
NOT_NEEDED = {"tls/none/cluster.md"} | {f"interface/{interface}/Dockerfile" for interface in ("lab", "notebook")}


def test_all_files_are_what_questions_yaml_says() -> None:
    done = subprocess.run([sys.executable, "tools/write_questions.py", "--check"], cwd=TEMPLATE, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr


def test_copier_needs_no_trust() -> None:
    written = yaml.safe_load((TEMPLATE / "copier.yml").read_text(encoding="utf-8"))
    asked = [key for key, value in written.items() if key[0] != "_" and value.get("when", True)]
    assert asked == KEYS
    assert not set(written) & {"_tasks", "_migrations", "_jinja_extensions"}


@pytest.mark.parametrize(
    ("first", "then"),
    [("sign_in", "sign_in_allow"), ("sign_in", "admin_users"), ("hub_domain", "tls"), ("ci", "image_name")],
)
def test_a_question_comes_after_what_it_depends_on(first: str, then: str) -> None:
    assert KEYS.index(first) < KEYS.index(then)


def test_the_essential_questions_come_first() -> None:
    essential = "course_title hub_name hub_domain contact_email admin_users sign_in sign_in_allow platform"
    assert set(KEYS[:8]) == set(essential.split())


@pytest.mark.parametrize("question", ALL.questions, ids=KEYS)
def test_a_question_fits_the_screen_of_both_engines(question: Question) -> None:
    """copier cuts a line that is longer than the terminal; brackets are markup for cookiecutter."""
    lines = [question.label, *question.help, *(f"{value}: {label}" for value, label in question.choices.items())]
    assert [line for line in lines if len(line) > 80] == []
    assert not re.search(r"<<|<%|<#|\[|\]", "".join(lines))


@pytest.mark.parametrize("question", FREE, ids=lambda question: question.key)
def test_a_free_text_has_a_format_a_rule_and_a_default_that_fits(question: Question) -> None:
    assert question.format and question.wrong and question.fix
    assert bool(question.pattern) != bool(question.one_of)
    if not question.default.startswith("<<-"):
        assert question.default in question.one_of or re.fullmatch(question.pattern, question.default)


def test_the_time_zones_are_names_in_order() -> None:
    (zones,) = (question.one_of for question in FREE if question.one_of)
    assert zones[0] == "UTC"
    assert zones[1:] == sorted(set(zones[1:]))


@pytest.mark.parametrize(("question", "rule"), RULES, ids=[question.key for question, _ in RULES])
def test_a_rule_reads_its_own_question_and_earlier_ones(question: Question, rule) -> None:
    """copier checks an answer when it is given, and knows no later ones."""
    read = meta.find_undeclared_variables(ENVIRONMENT.parse(rule.template(question.key)))
    assert max(read, key=KEYS.index) == question.key
    if isinstance(rule, Conflict):
        assert set(rule.between) <= read


MESSAGES = [
    *((question.key, question.wrong, question.fix) for question in FREE),
    *((question.key, rule.wrong, rule.fix) for question, rule in RULES if not isinstance(rule, Conflict)),
    *(
        (question.key, *re.split(r"(?<=\w)\. (?=[A-Z])", rule.because, maxsplit=1))
        for question, rule in RULES
        if isinstance(rule, Conflict)
    ),
]


@pytest.mark.parametrize(("key", "wrong", "fix"), MESSAGES, ids=[message[0] for message in MESSAGES])
def test_a_message_says_what_is_wrong_and_how_to_fix_it(key: str, wrong: str, fix: str) -> None:
    assert re.match("[a-z]|(GitHub|Google|HTTPS|RStudio)", wrong) and wrong[-1] != "."
    assert re.match(r"(Choose|Create|Enter|Lower|Add|Remove|Separate|Use)\b", fix) and fix[-1] == "."


def test_a_field_that_does_not_exist_is_rejected() -> None:
    text = (TEMPLATE / SOURCE).read_text(encoding="utf-8")
    with pytest.raises(TypeError, match="fixx"):
        read_questions(text.replace("    fix:", "    fixx:", 1))


def pieces(name: nodes.Expr, chosen: dict[str, str]) -> list[str]:
    """Return the names of pieces that an include can mean with these choices; none if it reads something else."""
    if isinstance(name, nodes.Concat):
        return ["".join(parts) for parts in product(*(pieces(node, chosen) for node in name.nodes))]
    if isinstance(name, nodes.List):
        # The last one is there for every choice: test_template.py sees to it.
        return []
    if isinstance(name, nodes.CondExpr):
        return [piece for part in (name.expr1, name.expr2) for piece in pieces(part, chosen)]
    if isinstance(name, nodes.Const):
        return [name.value]
    if isinstance(name, nodes.Getattr):
        return {"__pieces": [""]}.get(name.attr, [chosen[name.attr]] if name.attr in chosen else [])
    return []


def parse(source: str) -> nodes.Template:
    return ENVIRONMENT.parse((TEMPLATE / source).read_text(encoding="utf-8"))


def includes() -> Iterator[nodes.Include | nodes.FromImport]:
    """Yield each include and import that must find its piece."""
    for source in SOURCES:
        for node in parse(source).find_all((nodes.Include, nodes.FromImport)):
            if not getattr(node, "ignore_missing", False):
                yield node


def set_names(tree: nodes.Template) -> set[str]:
    """Return the names that a piece sets for others: those of its first level."""
    names = {node.name for node in tree.body if isinstance(node, nodes.Macro)}
    targets = [node.target for node in tree.body if isinstance(node, nodes.Assign | nodes.AssignBlock)]
    named = [node for target in targets for node in (target, *target.find_all(nodes.Name))]
    return names | {node.name for node in named if isinstance(node, nodes.Name)}


def resolve(name: nodes.Expr, choices: dict[str, list[str]]) -> set[str]:
    """Return the pieces that an include or an import can mean, over all choices."""
    used = sorted({node.attr for node in name.find_all(nodes.Getattr) if node.attr in choices})
    combined = product(*(choices[key] for key in used))
    return {piece for values in combined for piece in pieces(name, dict(zip(used, values, strict=True)))}


def forgotten(sets: dict[str, set[str]]) -> list[str]:
    """Return the names that are imported from a piece which does not set them. Jinja writes nothing for such a name."""
    choices = {question.key: list(question.choices) for question in ALL.questions if question.choices}
    found = set()
    for node in includes():
        for piece in resolve(node.template, choices) if isinstance(node, nodes.FromImport) else ():
            names = [name if isinstance(name, str) else name[0] for name in node.names]
            found |= {f"templates/{piece}: {name}" for name in names if name not in sets[piece]}
    return sorted(found)


def test_no_piece_forgets_a_name_that_others_import() -> None:
    names = [name.removeprefix("templates/") for name in SOURCES if name.endswith(".jinja")]
    sets = {name: set_names(parse(f"templates/{name}")) for name in names}
    assert forgotten(sets) == []
    sets["platform/eks/facts.jinja"] -= {"autoscaled"}
    sets["lib/sign_in.jinja"] -= {"pattern"}
    assert forgotten(sets) == ["templates/lib/sign_in.jinja: pattern", "templates/platform/eks/facts.jinja: autoscaled"]


def lacking(questions: Questions) -> list[str]:
    """Return what is missing for the choices of questions: files, and decisions in `only_when`."""
    choices = {question.key: list(question.choices) for question in questions.questions if question.choices}
    found = set()
    for node in includes():
        found |= resolve(node.template, choices)
    missing = {f"templates/{piece}" for piece in found - NOT_NEEDED if not (TEMPLATE / "templates" / piece).exists()}
    conditions = " ".join(questions.only_when.values())
    missing |= {f"{SOURCE}: only_when for {value}" for value in choices["platform"] if f"'{value}'" not in conditions}
    return sorted(missing)


def test_no_choice_lacks_a_file() -> None:
    assert lacking(ALL) == []


@pytest.mark.parametrize(
    ("after", "named", "missing"),
    [
        (
            "      k3s: k3s, on machines of your own\n",
            "openshift",
            [
                "questions.yaml: only_when for openshift",
                "templates/platform/openshift/cluster.md",
                "templates/platform/openshift/facts.jinja",
            ],
        ),
        (
            "      google: Google accounts\n",
            "okta",
            ["templates/sign_in/okta/hub.yaml", "templates/sign_in/okta/sign-in.md"],
        ),
        (
            "      ingress: an ingress controller in the cluster, with cert-manager\n",
            "acm",
            ["templates/tls/acm/cluster.md", "templates/tls/acm/facts.jinja"],
        ),
    ],
)
def test_a_choice_that_only_questions_yaml_names_lacks_files(after: str, named: str, missing: list[str]) -> None:
    text = (TEMPLATE / SOURCE).read_text(encoding="utf-8")
    assert after in text
    found = lacking(read_questions(text.replace(after, f"{after}      {named}: a new one\n")))
    assert set(missing) <= set(found)
    assert all(named in entry for entry in found)


def test_the_context_of_cookiecutter_keeps_the_answers_first() -> None:
    """What a person edits in a replay file stands at its top."""
    assert [key for key in write_context(ALL) if key != "_written_from"][: len(KEYS)] == KEYS
