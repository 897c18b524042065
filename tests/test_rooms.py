"""The rooms of the house: who may import whom, where each outside library lives, and that no module keeps a state."""

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("bot", "index")
FREE: frozenset[str] = frozenset()

# A module -> the project's modules that it may import. The wiring comes last.
DOORS: Mapping[str, frozenset[str]] = {
    # text in, clause or intent out: index/ knows no bot
    "index.documents": frozenset({"index.word"}),
    "index.word": FREE,
    "index.clauses": frozenset({"index.documents"}),
    "index.spelling": FREE,
    "index.normalize": frozenset({"index.spelling"}),
    "index.packaged_model": FREE,
    "index.parts": FREE,
    "index.references": FREE,
    "index.lined_yaml": FREE,
    "index.training": frozenset({"index.lined_yaml"}),
    "index.encoder": frozenset({"index.packaged_model"}),
    "index.memo": frozenset({"index.encoder", "index.packaged_model"}),
    "index.vectors": frozenset({"index.encoder"}),
    "index.topics": frozenset({"index.clauses", "index.encoder", "index.training"}),
    "index.adapters": frozenset({
        "index.encoder", "index.memo", "index.normalize", "index.packaged_model", "index.training",
    }),
    "index.ngrams": frozenset({"index.encoder"}),
    "index.proposals": frozenset({
        "index.adapters", "index.clauses", "index.encoder", "index.ngrams", "index.vectors",
    }),
    "index.shelves": frozenset({
        "index.clauses", "index.encoder", "index.proposals", "index.topics",
    }),
    "index.library": frozenset({
        "index.adapters", "index.clauses", "index.documents", "index.encoder", "index.memo", "index.ngrams",
        "index.packaged_model", "index.proposals", "index.references", "index.shelves", "index.topics",
        "index.training", "index.vectors",
    }),
    "index.classifier": frozenset({"index.encoder", "index.ngrams", "index.packaged_model"}),
    "index.recognizer": frozenset({
        "index.classifier", "index.encoder", "index.memo", "index.normalize", "index.packaged_model", "index.parts",
        "index.references", "index.training",
    }),
    # rooms that know nobody
    "bot.contacts": FREE,
    "bot.failures": FREE,
    "bot.mail": FREE,
    "bot.quotes": FREE,
    "bot.senders": FREE,
    "bot.servers": FREE,
    "bot.settings": FREE,
    "bot.shops": frozenset({"index.lined_yaml"}),
    "bot.database": FREE,
    "bot.deadlines": FREE,
    "bot.verdict": FREE,
    # tickets
    "bot.outbox": frozenset({"bot.database"}),
    "bot.register": frozenset({"bot.deadlines", "bot.outbox"}),
    "bot.tickets": frozenset({"bot.database", "bot.deadlines", "bot.register"}),
    "bot.clock": frozenset({"bot.deadlines", "bot.register", "bot.tickets"}),
    # what is kept of people
    "bot.codes": frozenset({"bot.database"}),
    "bot.files": frozenset({"bot.database"}),
    "bot.retention": frozenset({"bot.codes", "bot.files", "bot.register", "bot.shops", "bot.tickets"}),
    "bot.papers": frozenset({"bot.deadlines", "bot.mail", "bot.register", "bot.retention", "bot.shops", "bot.tickets"}),
    "bot.report": frozenset({"bot.deadlines", "bot.mail", "bot.register", "bot.tickets"}),
    # words
    "bot.responses": frozenset({"index.training"}),
    "bot.rules": frozenset({"index.lined_yaml", "index.training"}),
    # what happens
    "bot.deed": frozenset({"bot.rooms", "bot.settings", "bot.shops", "index.clauses"}),
    "bot.belongings": frozenset({"bot.codes", "bot.deadlines", "bot.deed", "bot.shops"}),
    "bot.requests": frozenset({"bot.deadlines", "bot.deed", "bot.files", "bot.register"}),
    "bot.answers": frozenset({"bot.deed", "bot.shops", "index.clauses", "index.library", "index.training"}),
    "bot.actions": frozenset({
        "bot.answers", "bot.belongings", "bot.contacts", "bot.deadlines", "bot.deed", "bot.files", "bot.register",
        "bot.requests", "bot.rooms", "bot.shops", "index.clauses",
    }),
    "bot.turn": frozenset({"bot.responses", "index.recognizer"}),
    "bot.steps": frozenset({"bot.responses", "bot.rules", "bot.turn"}),
    "bot.form": frozenset({
        "bot.files", "bot.responses", "bot.rules", "bot.steps", "bot.turn", "index.parts", "index.recognizer",
        "index.training",
    }),
    "bot.dialogue": frozenset({
        "bot.form", "bot.responses", "bot.rules", "bot.steps", "bot.turn", "index.recognizer", "index.training",
    }),
    # mail
    "bot.mime": frozenset({"bot.quotes"}),
    "bot.inbox": frozenset({"bot.mime", "bot.verdict"}),
    "bot.smtp": frozenset({"bot.mail", "bot.servers"}),
    "bot.mailbox": frozenset({"bot.mail", "bot.servers"}),
    "bot.collect": frozenset({
        "bot.inbox", "bot.mail", "bot.mailbox", "bot.register", "bot.senders", "bot.shops", "bot.tickets",
    }),
    "bot.post": frozenset({
        "bot.deadlines", "bot.failures", "bot.files", "bot.mail", "bot.outbox", "bot.register", "bot.shops",
        "bot.tickets",
    }),
    "bot.messages": frozenset({"bot.outbox", "bot.papers", "bot.responses", "bot.turn"}),
    "bot.desk": frozenset({"bot.messages", "bot.register", "bot.responses", "bot.tickets", "bot.verdict"}),
    "bot.cards": frozenset({"bot.desk", "bot.messages", "bot.outbox", "bot.register", "bot.responses"}),
    "bot.uploads": frozenset({"bot.files"}),
    "bot.telegram": frozenset({
        "bot.desk", "bot.dialogue", "bot.failures", "bot.files", "bot.messages", "bot.outbox", "bot.post",
        "bot.responses", "bot.tickets", "bot.turn", "bot.uploads",
    }),
    # what is measured and checked
    "bot.ask": frozenset({"bot.dialogue", "bot.turn"}),
    "bot.labels": frozenset({"index.training"}),
    "bot.evaluation": frozenset({"bot.labels", "index.training"}),
    "bot.scoreboard": frozenset({"bot.evaluation"}),
    "bot.baselines": frozenset({
        "bot.evaluation", "index.encoder", "index.memo", "index.packaged_model", "index.shelves",
        "index.training",
    }),
    "bot.check": frozenset({
        "bot.responses", "bot.rules", "bot.shops", "index.clauses", "index.documents", "index.library", "index.topics",
        "index.training",
    }),
    "bot.proposed": frozenset({"bot.check", "index.shelves"}),
    # the wiring
    "bot.rooms": frozenset({
        "bot.codes", "bot.files", "bot.retention", "bot.settings", "bot.shops", "bot.tickets", "index.encoder",
        "index.library", "index.packaged_model",
        "index.recognizer", "index.training",
    }),
    "bot.house": frozenset({
        "bot.actions", "bot.dialogue", "bot.responses", "bot.rooms", "bot.rules", "bot.settings", "bot.shops",
        "index.packaged_model",
    }),
    "bot.measure": frozenset({
        "bot.ask", "bot.baselines", "bot.evaluation", "bot.house", "bot.labels", "index.encoder",
        "index.packaged_model", "index.recognizer", "index.training",
    }),
    "bot.service": frozenset({
        "bot.cards", "bot.clock", "bot.collect", "bot.desk", "bot.failures", "bot.house",
        "bot.mailbox", "bot.papers", "bot.post", "bot.shops", "bot.smtp", "bot.telegram",
        "index.clauses", "index.training",
    }),
    "bot.terminal": frozenset({
        "bot.house", "bot.outbox", "bot.papers", "bot.post", "bot.responses", "bot.smtp", "bot.turn",
    }),
}  # fmt: skip
ANYBODY = ("bot.__main__",)

# An outside library -> the only modules that may import it.
HOMES: Mapping[str, frozenset[str]] = {
    "aiogram": frozenset({"bot.cards", "bot.desk", "bot.messages", "bot.telegram", "bot.uploads"}),
    "aiosmtplib": frozenset({"bot.smtp"}),
    "bm25s": frozenset({"bot.baselines"}),
    "bs4": frozenset({"bot.quotes"}),
    "click": frozenset({"bot.__main__"}),
    "docx": frozenset({"bot.papers", "index.word"}),
    "email_validator": frozenset({"bot.contacts"}),
    "faiss": frozenset({"index.vectors"}),
    "holidays": frozenset({"bot.deadlines"}),
    "imapclient": frozenset({"bot.mailbox"}),
    "jinja2": frozenset({"bot.mail"}),
    "joblib": frozenset({"index.recognizer"}),
    "lxml": frozenset({"index.word"}),
    "onnxruntime": frozenset({"index.encoder"}),
    "phonenumbers": frozenset({"bot.contacts"}),
    "rasa_sdk": frozenset(
        {
            "bot.actions",
            "bot.answers",
            "bot.belongings",
            "bot.deed",
            "bot.dialogue",
            "bot.house",
            "bot.requests",
            "bot.steps",
        }
    ),
    "sentence_transformers": frozenset({"index.encoder", "index.packaged_model"}),
    "yaml": frozenset({"index.lined_yaml"}),
    "sklearn": frozenset({"bot.baselines", "index.classifier", "index.ngrams"}),
    "snowballstemmer": frozenset({"bot.baselines"}),
    "pymorphy3": frozenset({"index.spelling"}),
    "sqlite3": frozenset({"bot.database"}),
    "sqlite_utils": frozenset({"bot.database"}),
    "torch": frozenset({"index.adapters", "index.encoder", "index.packaged_model"}),
    "transformers": frozenset({"index.packaged_model"}),
}

_CHANGES = frozenset({
    "add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "reverse", "setdefault",
    "sort", "update",
})  # fmt: skip
_CONTAINERS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
_MAKERS = frozenset({"list", "dict", "set", "defaultdict", "deque", "Counter", "OrderedDict", "bytearray"})


def modules() -> Mapping[str, ast.Module]:
    """Every module of the two rooms of code, parsed."""
    paths = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]
    trees = [ast.parse(path.read_text(encoding="utf-8"), str(path)) for path in paths]
    return dict(zip(names, trees, strict=True))


MODULES = modules()
OWN = [name for name in MODULES if not name.endswith("__init__")]


def imported(tree: ast.AST) -> Iterator[str]:
    """All imports, also those inside of functions; `from bot import mail` is an import of bot.mail."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide who is meant"
            source = node.module or ""
            yield from ({f"{source}.{alias.name}" for alias in node.names} if source in ROOMS else {source})


def kept_at_module_level(tree: ast.Module) -> set[str]:
    """Names of lists, dicts and sets that a module makes when it is imported."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None and _is_container(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def changed(tree: ast.AST) -> Iterator[str]:
    """Names that are changed in place: by an item, by `+=`, or by a method that changes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            yield _last_name(node.value)
        elif isinstance(node, ast.AugAssign):
            yield _last_name(node.target)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGES:
            yield _last_name(node.func.value)


def _is_container(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return _last_name(value.func) in _MAKERS
    return isinstance(value, _CONTAINERS)


def _last_name(node: ast.AST) -> str:
    """`COMMANDS`, also as `telegram.COMMANDS`; empty for what has no name."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


# who may import whom


def test_every_module_has_its_place_in_the_picture() -> None:
    assert sorted(OWN) == sorted([*DOORS, *ANYBODY])


@pytest.mark.parametrize("module", DOORS)
def test_a_module_imports_only_what_its_door_leads_to(module: str) -> None:
    own = {name for name in imported(MODULES[module]) if name.split(".")[0] in ROOMS}
    assert own - DOORS[module] == set()


def test_the_index_knows_no_bot() -> None:
    strangers = {
        (module, name)
        for module in MODULES
        if module.startswith("index.")
        for name in imported(MODULES[module])
        if name.split(".")[0] == "bot"
    }
    assert strangers == set()


def test_nobody_imports_the_command_line() -> None:
    assert [module for module in MODULES if "bot.__main__" in imported(MODULES[module])] == []


def test_no_two_modules_need_each_other() -> None:
    """Who can be reached from a module does not lead back to it."""
    for module in DOORS:
        reached: set[str] = set()
        waiting = set(DOORS[module])
        while waiting:
            reached |= waiting
            waiting = {further for name in waiting for further in DOORS[name]} - reached
        assert module not in reached


def test_packages_do_nothing_when_they_are_imported() -> None:
    for room in ROOMS:
        docstring = ast.get_docstring(MODULES[f"{room}.__init__"])
        assert docstring
        assert len(MODULES[f"{room}.__init__"].body) == 1


# where outside libraries live


@pytest.mark.parametrize("library", HOMES)
def test_an_outside_library_has_one_home(library: str) -> None:
    users = {module for module in MODULES if library in {name.split(".")[0] for name in imported(MODULES[module])}}
    assert users - HOMES[library] == set()
    assert users, f"nobody imports {library} any more"


def test_outside_libraries_without_a_home_are_few_and_known() -> None:
    """NumPy, pydantic, tokenizers, SciPy's matrices and rapidfuzz are used in more than one place."""
    known = {*HOMES, *ROOMS, *sys.stdlib_module_names}
    others = {name.split(".")[0] for tree in MODULES.values() for name in imported(tree)} - known
    assert (
        others - {"numpy", "pydantic", "pydantic_core", "pydantic_settings", "rapidfuzz", "scipy", "tokenizers"}
        == set()
    )


# no state in modules


@pytest.mark.parametrize("module", OWN)
def test_a_module_keeps_no_state(module: str) -> None:
    """What stands at module level is never changed, from wherever it is looked at."""
    kept = kept_at_module_level(MODULES[module])
    changers = {
        other: kept & set(changed(MODULES[other]))
        for other in OWN
        if other == module or module in imported(MODULES[other])
    }
    assert {other: names for other, names in changers.items() if names} == {}


def test_no_function_rebinds_a_name_of_its_module() -> None:
    rebinding = [module for module in OWN for node in ast.walk(MODULES[module]) if isinstance(node, ast.Global)]
    assert rebinding == []


def test_the_checks_above_see_what_they_look_for() -> None:
    tree = ast.parse(
        "import os\nfrom bot import mail\nSEEN = {}\nNAMES: list[str] = list()\nFIXED = (1, 2)\n"
        "def f():\n    import faiss.loader\n    from aiogram import Bot\n    SEEN['a'] = 1\n"
        "    mail.NAMES.append('b')\n"
    )
    assert set(imported(tree)) == {"os", "bot.mail", "faiss.loader", "aiogram"}
    assert kept_at_module_level(tree) == {"SEEN", "NAMES"}
    assert {"SEEN", "NAMES"} <= set(changed(tree))
