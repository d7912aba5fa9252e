"""Pages that are generated from the code: parameters, commands, and the functions that others may call."""

import argparse
import ast
import os
import re
from collections.abc import Callable, Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
KEY = re.compile(r"( *)(\w+):[^#]*(?:# (.*))?")
NAMED = re.compile(r"^- `(rnnlab(?:\.\w+)+)`$", re.M)
SECTION = re.compile(r"^(Args|Attributes|Raises|Returns|Yields):$", re.M)


def reasons(text: str) -> dict[str, str]:
    """Reads the comments of params.yaml, by dotted key; lines that are only a comment go on with the one before."""
    found: dict[str, str] = {}
    path: list[str] = []
    for line in text.splitlines():
        if match := KEY.fullmatch(line):
            path = [*path[: len(match[1]) // 2], match[2]]
            found[".".join(path)] = match[3] or ""
        elif path and line.strip().startswith("#"):
            key = ".".join(path)
            found[key] = f"{found[key]} {line.strip(' #')}".strip()
    return found


def limits(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Says in words which values a JSON schema allows."""
    schema = {**definitions.get(_named(schema), {}), **schema}
    if "anyOf" in schema:
        return " or ".join(limits(one, definitions) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return " or ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    kind = schema.get("type")
    if kind == "array" and "prefixItems" in schema:
        return f"{len(schema['prefixItems'])} times {limits(schema['prefixItems'][0], definitions)}"
    if kind == "array":
        least = f", {schema['minItems']} at least" if schema.get("minItems") else ""
        return f"list of {limits(schema['items'], definitions)}{least}"
    if kind == "string" and "pattern" in schema:
        return f"text like `{schema['pattern']}`"
    names = {"integer": "whole number", "number": "number", "boolean": "`true` or `false`", "string": "text"}
    names |= {"null": "`null`", "object": "mapping"}
    return " ".join([names.get(str(kind), "list of values, or a range"), *_bounds(schema)])


def _bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    words = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "to less than"}
    for key, word in words.items():
        if key in schema:
            yield f"{word} {schema[key]:,}"


def parameters(markdown: str, source: Path = ROOT / "params.yaml") -> str:
    """Adds a table for each section: key, allowed values, the committed value, and the reason from its comment."""
    from rnnlab.project import params
    from rnnlab.project.overrides import flatten, override

    why = reasons(source.read_text(encoding="utf-8"))
    values = flatten(params.read(source).model_dump(mode="json", by_alias=True))
    schema = params.Params.model_json_schema()
    tables: dict[str, list[str]] = {}
    for key, allowed in leaves(schema, schema["$defs"]):
        example = key.replace("<name>", next(iter(why_of_models(why)), ""))
        value = f"`{override(values[example])}`" if example in values else ""
        cells = [f"`{key}`", limits(allowed, schema["$defs"]), value, escape(why.get(example, ""), quote=False)]
        tables.setdefault(key.partition(".")[0], []).append("| " + " | ".join(map(_in_cell, cells)) + " |")
    head = "| key | allowed | committed | why |\n| --- | --- | --- | --- |\n"
    parts = [markdown]
    for section, rows in tables.items():
        about = "" if section in values else _sentence(why.get(section) or _about(schema, section))
        parts.append(f"## {section}\n\n{about}{head}" + "\n".join(rows))
    return "\n\n".join(parts)


def why_of_models(why: Mapping[str, str]) -> list[str]:
    """Returns the names of the models in params.yaml; comments stand with the first."""
    return [key.removeprefix("models.") for key in why if key.count(".") == 1 and key.startswith("models.")]


def leaves(schema: Mapping[str, Any], definitions: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields the dotted key and the schema of each parameter; ``<name>`` stands for that of any model."""
    for name, part in schema["properties"].items():
        inner = definitions.get(_named(part), {})
        each = _of_any_name(part)
        if "properties" in inner:
            yield from leaves(inner, definitions, f"{prefix}{name}.")
        elif each:
            yield from leaves(definitions[each], definitions, f"{prefix}{name}.<name>.")
        else:
            yield prefix + name, part


def _named(schema: Mapping[str, Any]) -> str:
    """Returns the name of the definition that a schema refers to, "" for none."""
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _of_any_name(schema: Mapping[str, Any]) -> str:
    """Returns the name of the definition of a mapping's values, "" where they have none."""
    values = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
    return _named(next((value for value in values if isinstance(value, dict)), {}))


def _about(schema: Mapping[str, Any], section: str) -> str:
    """Returns the docstring of a section."""
    definition = schema["$defs"].get(_named(schema["properties"][section]), {})
    return str(definition.get("description", "")).partition("\n")[0]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}.\n\n"


def _in_cell(text: str) -> str:
    return text.replace("|", r"\|")


def commands(markdown: str) -> str:
    """Adds a heading and the help text of each command."""
    from rnnlab.cli.main import parser

    os.environ["COLUMNS"] = "100"  # argparse wraps at the width of the terminal
    parts = [f"## {verb.prog}\n\n{purpose}```text\n{verb.format_help()}```" for purpose, verb in verbs(parser())]
    return "\n\n".join([markdown, *parts])


def verbs(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yields each command below a parser, after its purpose."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for choice in action._choices_actions:
                made = action.choices[choice.dest]
                yield _sentence(choice.help or ""), made
                yield from verbs(made)


def api(markdown: str) -> str:
    """Puts signature and docstring in the place of each list entry that is only a name of rnnlab."""
    return NAMED.sub(lambda match: described(match[1]), markdown)


def described(name: str) -> str:
    """Describes a function or class by its source, which is not imported."""
    module, _, last = name.rpartition(".")
    source = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    body = ast.parse(source.read_text(encoding="utf-8")).body
    [node] = [each for each in body if isinstance(each, ast.FunctionDef | ast.ClassDef) and each.name == last]
    return f"### {name}\n\n```python\n{_signature(node)}\n```\n\n{_docstring(node)}\n"


def _signature(node: ast.FunctionDef | ast.ClassDef) -> str:
    if isinstance(node, ast.FunctionDef):
        result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        return f"{node.name}({ast.unparse(node.args)}){result}"
    lines = [f"class {node.name}"]
    for each in node.body:
        if isinstance(each, ast.AnnAssign):
            lines.append(f"    {ast.unparse(each)}")
        elif isinstance(each, ast.FunctionDef) and not each.name.startswith("_"):
            is_property = "property" in map(ast.unparse, each.decorator_list)
            signature = _signature(each)
            lines.append(f"    {signature.replace('(self) ->', ':') if is_property else signature}")
    return "\n".join(lines)


def _docstring(node: ast.FunctionDef | ast.ClassDef) -> str:
    """Turns a docstring in Google's style into Markdown."""
    first, *rest = SECTION.split(ast.get_docstring(node) or "")
    parts = [first.strip()]
    for heading, body in zip(rest[::2], rest[1::2], strict=True):
        entries = re.sub(r"\n {6,}", " ", body.strip("\n"))
        lines = re.sub(r"^ +(\w+): ", r"- `\1`: ", entries, flags=re.M).strip()
        parts.append(f"**{heading}**\n\n{lines}")
    return re.sub(r"``(.+?)``", r"`\1`", "\n\n".join(parts), flags=re.S)


PAGES: dict[str, Callable[[str], str]] = {
    "docs/parameters.md": parameters,
    "docs/commands.md": commands,
    "docs/api.md": api,
}
