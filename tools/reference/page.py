"""docs/configuration.md: every key with its path, type, default, what is allowed, and what it does."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from infra.config.base import ALLOWED
from infra.config.load import NAMESPACE
from tools.reference.schema import Schema, models_schema

INTRODUCTION = """\
# Configuration

<!-- Made by `make docs` from the models in infra/config: edit those. -->

`Pulumi.<stack>.yaml` has these keys, each below `config` with `litellm:` in front:

```yaml
# yaml-language-server: $schema=docs/stack.schema.json
config:
  litellm:ingress:
    host: litellm.example.com
```

With the first line, editors that use the YAML language server (VS Code, Neovim, JetBrains, …) complete and check the file.
Unknown keys are errors. `make plan` checks everything, also what spans several keys, and reports all problems at once; it needs
neither a cluster nor a Vault. Whatever a section leaves out has its default, so the smallest stack is the one above.

- A path `models[].name` is a key of each entry of a list, `tags.<name>` one of a map with names of your own.
- **required** means: where its object is given. An em dash means: nothing.
- A secret is only ever `{secure: …}`, as `make config ARGS='set --secret --path …'` writes it.
"""

TYPES = {"string": "text", "integer": "number", "boolean": "true or false"}


@dataclass
class Row:
    """One key."""

    path: str
    type: str
    default: str
    allowed: str
    description: str

    def __str__(self) -> str:
        cells = (f"`{self.path}`", self.type, self.default, self.allowed, self.description)
        return "| " + " | ".join(cell.replace("|", "\\|") or "—" for cell in cells) + " |"


@dataclass
class Part:
    """A heading with a table: a section, or one alternative of it."""

    title: str
    level: int
    text: str
    rows: list[Row] = field(default_factory=list[Row])
    parts: list["Part"] = field(default_factory=list["Part"])

    def lines(self) -> Iterator[str]:
        yield from ("", f"{'#' * self.level} {self.title}", "", self.text)
        if self.rows:
            yield from ("", "| key | type | default | allowed | |", "|---|---|---|---|---|", *map(str, self.rows))
        for part in self.parts:
            yield from part.lines()


def configuration_page() -> str:
    """The whole page."""
    schema = models_schema()
    book = Book(schema["$defs"])
    parts = [book.section(key, one, required=key in schema["required"]) for key, one in schema["properties"].items()]
    toc = [
        "| section | |",
        "|---|---|",
        *(f"| [{part.title}](#{anchor(part.title)}) | {first(part.text)} |" for part in parts),
    ]
    lines = [INTRODUCTION, *toc, *(line for part in parts for line in part.lines())]
    return "\n".join(lines) + "\n"


class Book:
    """Makes parts and rows of the schema of the models."""

    def __init__(self, definitions: dict[str, Schema]) -> None:
        self.definitions = definitions

    def section(self, key: str, schema: Schema, *, required: bool) -> Part:
        part = Part(f"`{NAMESPACE}:{key}`", 2, self.text(schema))
        objects = self.objects(schema)
        if len(objects) > 1:
            self.alternatives(part, key, objects)
        elif objects:
            self.fill(part, "", key, objects[0], schema.get("default"))
        else:
            row = self.row(key, schema, required=required)
            row.description = ""
            part.rows.append(row)
        return part

    def fill(self, part: Part, prefix: str, where: str, schema: Schema, default: Any) -> None:
        """Rows for the keys of an object, and parts for what has alternatives. `default` is that of the whole object."""
        given = cast("dict[str, Any]", default) if isinstance(default, dict) else {}
        for name, child in schema.get("properties", {}).items():
            known = child | {"default": given[name]} if name in given else child
            self.key(part, f"{prefix}{name}", where, known, required=name in schema.get("required", ()))

    def key(self, part: Part, path: str, where: str, schema: Schema, *, required: bool) -> None:
        row = self.row(path, schema, required=required)
        part.rows.append(row)
        inner, below = self.inside(path, schema)
        objects = self.objects(inner)
        if len(objects) > 1:
            title = f"`{NAMESPACE}:{where}.{below}`"
            row.allowed = f"see [below](#{anchor(title)})"
            more = Part(title, part.level + 1, self.text(schema))
            self.alternatives(more, f"{where}.{below}", objects)
            part.parts.append(more)
        elif objects and objects[0].get("properties"):
            self.fill(part, f"{below}.", where, objects[0], schema.get("default"))

    def inside(self, path: str, schema: Schema) -> tuple[Schema, str]:
        """What the keys below a path are keys of: an entry of a list, one of a map with names of the user's own, or itself."""
        for one in self.options(schema):
            if "items" in one:
                return one["items"], f"{path}[]"
            if (values := map_values(one)) and self.objects(values):
                return values, f"{path}.<name>"
        return schema, path

    def alternatives(self, part: Part, where: str, objects: list[Schema]) -> None:
        """What all alternatives have in common, then what each has of its own."""
        common = [
            name
            for name, schema in objects[0].get("properties", {}).items()
            if all(other.get("properties", {}).get(name) == schema for other in objects[1:])
        ]
        if common:
            shared = {"properties": {name: objects[0]["properties"][name] for name in common}}
            self.fill(part, "", where, shared | {"required": objects[0].get("required", [])}, None)
        for one in objects:
            title = f"{part.title} with {told_apart_by(one)}"
            own = {name: schema for name, schema in one.get("properties", {}).items() if name not in common}
            own = dict(sorted(own.items(), key=lambda item: "const" not in item[1]))
            alternative = Part(title, part.level + 1, self.text(one))
            self.fill(alternative, "", where, one | {"properties": own}, None)
            part.parts.append(alternative)

    def row(self, path: str, schema: Schema, *, required: bool) -> Row:
        default = "**required**" if required else self.default(schema)
        return Row(path, self.type(schema), default, self.allowed(schema), self.text(schema))

    def default(self, schema: Schema) -> str:
        if "default" not in schema:
            return "`{}`" if schema.get("type") == "object" else ""
        value = schema["default"]
        if value is None or (isinstance(value, dict) and value):
            return ""
        return f"`{json.dumps(value, ensure_ascii=False)}`"

    def type(self, schema: Schema) -> str:
        options = [one for one in self.options(schema) if one.get("type") != "null"]
        names = list(dict.fromkeys(self.name(one) for one in options))
        nullable = len(options) < len(self.options(schema)) and schema.get("default") is not None
        return ", or ".join([*names, *(["null"] if nullable else [])])

    def name(self, schema: Schema) -> str:
        match schema.get("type"):
            case "array":
                return f"list of {plural(self.type(schema['items']))}"
            case "object" if not schema.get("properties"):
                values = map_values(schema)
                return f"map of {plural(self.type(values))}" if values else "map"
            case None:
                return "anything"
            case names:
                return " or ".join(TYPES.get(name, name) for name in ([names] if isinstance(names, str) else names))

    def allowed(self, schema: Schema) -> str:
        return "; ".join(filter(None, dict.fromkeys(self.limits(one) for one in self.options(schema))))

    def limits(self, schema: Schema) -> str:
        found = list(limits(schema))
        if "items" in schema:
            found += [each for each in [self.allowed(schema["items"])] if each and not self.objects(schema["items"])]
        if values := map_values(schema):
            found += [
                f"names: {words}"
                for words in [ALLOWED.get(next(iter(schema.get("patternProperties", {})), ""))]
                if words
            ]
            found += [each for each in [self.allowed(values)] if each and not self.objects(values)]
        return ", ".join(found)

    def objects(self, schema: Schema) -> list[Schema]:
        return [one for one in self.options(schema) if "properties" in one]

    def options(self, schema: Schema) -> list[Schema]:
        """The alternatives of a schema, references resolved and unions flattened."""
        if "$ref" in schema:
            return self.options(self.definitions[schema["$ref"].rpartition("/")[2]])
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                return [option for one in schema[keyword] for option in self.options(one)]
        return [schema]

    def text(self, schema: Schema) -> str:
        described = schema.get("description") or next((one.get("description", "") for one in self.options(schema)), "")
        return " ".join(described.split())


def limits(schema: Schema) -> Iterator[str]:
    """What is allowed, for a plain value."""
    if "const" in schema:
        yield f"`{schema['const']}`" if schema["const"] else "empty"
    if "enum" in schema:
        yield ", ".join(f"`{value}`" for value in schema["enum"])
    if words := schema.get("x-allowed") or ALLOWED.get(schema.get("pattern", "")):
        yield words
    elif "pattern" in schema:
        yield f"`{schema['pattern']}`"
    for least, most, unit in (
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " entries"),
    ):
        low, high = schema.get(least), schema.get(most)
        if low is not None and high is not None:
            yield f"{low} to {high}{unit}"
        elif low is not None:
            yield "not empty" if unit and low == 1 else f"{low} or more{unit}"
        elif high is not None:
            yield f"at most {high}{unit}"


def map_values(schema: Schema) -> Schema | None:
    """The values of a map, whose names are the user's; None for any value, and for an object."""
    values = next(iter(schema.get("patternProperties", {}).values()), schema.get("additionalProperties"))
    return cast("Schema", values) if isinstance(values, dict) else None


def told_apart_by(schema: Schema) -> str:
    """What makes a value this alternative: a constant such as its kind, or what only it must have."""
    for name, one in schema.get("properties", {}).items():
        if "const" in one:
            return f"`{name}: {one['const']}`"
    return " and ".join(f"`{name}`" for name in schema.get("required", ()))


def plural(name: str) -> str:
    return {"number": "numbers", "object": "objects", "text": "texts", "map": "maps"}.get(name, name)


def anchor(title: str) -> str:
    """GitHub's name of a heading."""
    kept = "".join(char for char in title.lower() if char.isalnum() or char in " -_")
    return kept.replace(" ", "-")


def first(text: str) -> str:
    """The first sentence."""
    return text.partition(". ")[0].rstrip(".").replace("|", "\\|") + "."
