"""What the code can say about a source: rules and sentences, found in the syntax trees of the packages.

A sentence is a template: ``{}`` stands for every part that is only known when it is said.
"""

from __future__ import annotations

import ast
import itertools
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[3]
GAP = "{}"
_PROBLEM = {"rule": (2, "rule"), "message": (3, "message"), "advice": (4, "advice")}
_ERROR = {"what": (1, "what"), "do": (2, "advice")}
_FOREIGN = {"ValueError", "TypeError", "KeyError", "RuntimeError", "OSError"}
_SEVERITIES = {"error", "warning", "info"}
Function = ast.FunctionDef | ast.AsyncFunctionDef
# (module, function name, parameter): where its value ends: a rule, a message or an advice.
Flow = tuple[str, str, str]


@dataclass
class Said:
    """Collects what packages can say.

    Parameters
    ----------
    folders
        Packages below the root of the project.
    """

    folders: tuple[str, ...]
    rules: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    advice: dict[str, str] = field(default_factory=dict)
    what: dict[str, str] = field(default_factory=dict)
    do: dict[str, str] = field(default_factory=dict)

    @cached_property
    def modules(self) -> dict[str, _Module]:
        """Every module, by dotted name."""
        files = [path for folder in self.folders for path in sorted((ROOT / folder).rglob("*.py"))]
        named = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in files}
        return {
            name.removesuffix(".__init__"): _Module(name, ast.parse(path.read_text("utf-8")))
            for name, path in named.items()
        }

    def collect(self) -> Said:
        """Fill the tables, each from a text to where it is said, and return itself."""
        flows: dict[Flow, str] = {}
        for module in self.modules.values():
            for pair, scope in module.pairs:
                for part, expression in zip(("rule", "message"), pair.elts, strict=True):
                    self._say(part, expression, _Reader(self, module, scope, part, flows), pair)
        done: set[tuple[str, int, str]] = set()
        while True:
            before = len(flows)
            for module in self.modules.values():
                for call, scope in module.calls:
                    for part, expression in _parts(call, module.name, flows):
                        key = (module.name, id(expression), part)
                        if key not in done:
                            done.add(key)
                            self._say(part, expression, _Reader(self, module, scope, part, flows), call)
            if len(flows) == before:
                break
        return self

    def _say(self, part: str, expression: ast.expr, reader: _Reader, call: ast.expr) -> None:
        tables = {"rule": self.rules, "message": self.messages, "advice": self.advice, "what": self.what, "do": self.do}
        for text in map(_plain, reader.texts(expression)):
            if text.strip("{} ") or part == "rule":
                tables[part].setdefault(text, f"{reader.module.name}:{call.lineno}")


class _Module:
    def __init__(self, name: str, tree: ast.Module) -> None:
        self.name, self.tree = name.removesuffix(".__init__"), tree
        self.functions: dict[str, list[Function]] = {}
        self.calls: list[tuple[ast.Call, tuple[Function, ...]]] = []
        self.pairs: list[tuple[ast.Tuple, tuple[Function, ...]]] = []
        self.constants: dict[str, ast.expr] = {}
        self.imports: dict[str, tuple[str, str]] = {}
        self._walk(tree, ())
        for node in tree.body:
            for name_, value in _assigned(node):
                self.constants[name_] = value

    def _walk(self, node: ast.AST, scope: tuple[Function, ...]) -> None:
        for child in ast.iter_child_nodes(node):
            inner = scope
            if isinstance(child, Function):
                self.functions.setdefault(child.name, []).append(child)
                inner = (*scope, child)
            elif isinstance(child, ast.Call):
                self.calls.append((child, scope))
            elif isinstance(child, ast.Tuple) and len(child.elts) in (2, 3) and (names := _pair(child)):
                self.pairs.append((names, scope))
            elif isinstance(child, ast.ImportFrom) and child.module:
                for alias in child.names:
                    self.imports[alias.asname or alias.name] = (child.module, alias.name)
            self._walk(child, inner)


def _assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield what a statement gives to which name."""
    pairs: list[tuple[ast.expr, ast.expr]] = []
    if isinstance(node, ast.Assign):
        pairs = [(target, node.value) for target in node.targets]
    elif isinstance(node, (ast.AnnAssign, ast.NamedExpr, ast.AugAssign)) and node.value is not None:
        pairs = [(node.target, node.value)]
    elif isinstance(node, (ast.For, ast.comprehension)):
        rows = node.iter.elts if isinstance(node.iter, (ast.Tuple, ast.List)) else [node.iter]
        pairs = [(node.target, row) for row in rows]
    for target, value in pairs:
        if isinstance(target, ast.Name):
            yield target.id, value
        elif isinstance(target, ast.Tuple):
            yield from _unpacked(target, value)


def _unpacked(target: ast.Tuple, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    for number, each in enumerate(target.elts):
        if isinstance(each, ast.Name):
            if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts):
                yield each.id, value.elts[number]
            else:
                yield each.id, ast.Subscript(value, ast.Constant(number))


def _pair(row: ast.Tuple) -> ast.Tuple | None:
    """Return the rule and the message of a tuple that ends in the two."""
    rule, message = row.elts[-2:]
    if isinstance(rule, ast.Constant):
        is_rule = isinstance(rule.value, str) and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.value) is not None
    else:
        is_rule = isinstance(rule, ast.Name) and (rule.id.isupper() or rule.id == "rule")
        is_rule = is_rule and not isinstance(message, ast.Name)
    has_text = isinstance(message, (ast.JoinedStr, ast.Name, ast.Subscript)) or (
        isinstance(message, ast.Constant) and " " in str(message.value)
    )
    return ast.copy_location(ast.Tuple([rule, message]), row) if is_rule and has_text else None


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _parts(call: ast.Call, module: str, flows: dict[Flow, str]) -> Iterator[tuple[str, ast.expr]]:
    """Yield the arguments of a call that end as rule, message or advice."""
    name = _called(call)
    row = call.args[0].elts if name == "append" and call.args and isinstance(call.args[0], ast.Tuple) else call.args
    named = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    for part, (place, keyword) in _places(name, row).items():
        if place < len(row):
            yield part, row[place]
        elif keyword in named:
            yield part, named[keyword]
    for (owner, function, parameter), part in list(flows.items()):
        called, _, place = function.partition("@")
        if called == name and owner in (module, "*"):
            if parameter in named:
                yield part, named[parameter]
            elif int(place) < len(call.args):
                yield part, call.args[int(place)]


def _places(name: str, row: Sequence[ast.expr]) -> Mapping[str, tuple[int, str]]:
    """Return at which place or by which name the parts of a finding or an error are said in a call, if in any."""
    first = row[0] if row else None
    fixed = first.value if isinstance(first, ast.Constant) else None
    is_severity = fixed in _SEVERITIES
    if name == "say" and fixed == "problem":
        return {part: (99, part) for part in _PROBLEM}
    if name == "Problem" or (len(row) >= 4 and (is_severity or (name == "add" and fixed is None))):
        return _PROBLEM if name in ("Problem", "add", "append") else {}
    return _ERROR if name.endswith("Error") and name not in _FOREIGN else {}


class _Reader:
    """Says which texts an expression can have, where it stands."""

    def __init__(
        self, said: Said, module: _Module, scope: tuple[Function, ...], part: str, flows: dict[Flow, str]
    ) -> None:
        self.said, self.module, self.scope, self.part, self.flows = said, module, scope, part, flows
        self._seen: set[int] = set()

    def texts(self, node: ast.expr) -> set[str]:
        """Return its templates; a gap where nothing is known."""
        if id(node) in self._seen:
            return {GAP}
        self._seen.add(id(node))
        try:
            return self._texts(node) or {GAP}
        finally:
            self._seen.discard(id(node))

    def _texts(self, node: ast.expr) -> set[str]:  # noqa: PLR0911 - one line for each kind of expression
        if isinstance(node, ast.Constant):
            return {node.value} if isinstance(node.value, str) else set()
        if isinstance(node, ast.JoinedStr):
            return {"".join(parts) for parts in itertools.product(*(self._filled(part) for part in node.values))}
        if isinstance(node, ast.IfExp):
            return self.texts(node.body) | self.texts(node.orelse)
        if isinstance(node, ast.BoolOp):
            return {text for value in node.values for text in self.texts(value)}
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return {a + b for a in self.texts(node.left) for b in self.texts(node.right)}
        if isinstance(node, ast.Name):
            return self._named(node.id)
        if isinstance(node, ast.Subscript):
            return self.texts(node.value) if isinstance(node.slice, ast.Slice) else self._item(node)
        if isinstance(node, ast.Call):
            return self._result(node)
        return set()

    def _filled(self, part: ast.expr) -> set[str]:
        if isinstance(part, ast.Constant):
            return {str(part.value)}
        value = part.value if isinstance(part, ast.FormattedValue) else part
        if isinstance(value, (ast.IfExp, ast.Constant)) or self.part == "rule":
            return self.texts(value)
        return {GAP}

    def _named(self, name: str) -> set[str]:
        for function in reversed(self.scope):
            own = [value for each in ast.walk(function) for key, value in _assigned(each) if key == name]
            found = {text for value in own for text in self.texts(value)}
            names = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
            extra = [each.arg for each in function.args.kwonlyargs]
            if name in names or name in extra:
                place = names.index(name) - (names[0] in ("self", "cls")) if name in names else 99
                owner = self.module.name if function.name.startswith("_") else "*"
                self.flows[owner, f"{function.name}@{place}", name] = self.part
                return found - {GAP}
            if own:
                return found
        return self._constant(self.module, name)

    def _constant(self, module: _Module, name: str) -> set[str]:
        if name in module.constants:
            return _Reader(self.said, module, (), self.part, self.flows).texts(module.constants[name])
        where, real = module.imports.get(name, ("", ""))
        other = self.said.modules.get(where)
        return self._constant(other, real) if other is not None else set()

    def _item(self, node: ast.Subscript) -> set[str]:
        place = node.slice.value if isinstance(node.slice, ast.Constant) else None
        found: set[str] = set()
        for value in self._values(node.value):
            if isinstance(value, ast.Dict):
                rows = [each for key, each in zip(value.keys, value.values, strict=True)
                        if place is None or (isinstance(key, ast.Constant) and key.value == place)]  # fmt: skip
            elif isinstance(value, (ast.Tuple, ast.List)):
                rows = [value.elts[place]] if isinstance(place, int) and place < len(value.elts) else list(value.elts)
            else:
                continue
            for row in rows:
                found |= self.texts(row)
        return found

    def _values(self, node: ast.expr) -> Iterator[ast.expr]:
        """Yield the collections that an expression may be."""
        if isinstance(node, ast.Name):
            yield from self._kept(node.id)
        elif isinstance(node, ast.Subscript):
            for value in self._values(node.value):
                rows = value.values if isinstance(value, ast.Dict) else getattr(value, "elts", [])
                yield from (row for row in rows if isinstance(row, (ast.Tuple, ast.Dict, ast.List)))
        elif isinstance(node, ast.Call):
            if _called(node) in ("items", "values", "get") and isinstance(node.func, ast.Attribute):
                yield from self._values(node.func.value)
            yield from (value for value, _ in self._returned(node))
        else:
            yield node

    def _kept(self, name: str) -> Iterator[ast.expr]:
        """Yield the collections that a name may stand for."""
        for function in reversed(self.scope):
            for key, value in (pair for each in ast.walk(function) for pair in _assigned(each)):
                if key == name and id(value) not in self._seen:
                    self._seen.add(id(value))
                    yield from self._values(value)
        where, real = self.module.imports.get(name, ("", name))
        owner = self.said.modules.get(where, self.module)
        if real in owner.constants:
            yield owner.constants[real]

    def _returned(self, node: ast.Call) -> Iterator[tuple[ast.expr, _Reader]]:
        """Yield what a function of the packages returns or yields."""
        name = _called(node)
        module = self.module
        if name not in module.functions and name in module.imports:
            where, real = module.imports[name]
            module, name = self.said.modules.get(where, module), real
        for function in module.functions.get(name, []):
            reader = _Reader(self.said, module, (function,), self.part, self.flows)
            for each in ast.walk(function):
                if isinstance(each, (ast.Return, ast.Yield)) and each.value is not None:
                    yield each.value, reader

    def _result(self, node: ast.Call) -> set[str]:
        if isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            return self.texts(node.func.value)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            found = self._item(ast.Subscript(node.func.value, node.args[0]))
            return found | (self.texts(node.args[1]) if len(node.args) > 1 else set())
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("lower", "strip", "removesuffix", "capitalize"):
            return self.texts(node.func.value)
        found = set()
        for value, reader in self._returned(node):
            if id(value) not in self._seen:
                reader._seen = {*self._seen, id(node)}
                found |= reader.texts(value)
        return found


def _plain(text: str) -> str:
    """Return a template of `str.format` with plain gaps."""
    return re.sub(r"\{\d+(:[^}]*)?\}", GAP, text)
