"""YAML as people write it: read with the line of each field, written with long texts as blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yaml import SafeDumper as FastDumper
    from yaml import SafeLoader as FastLoader
else:  # those in C are ten to forty times as fast, and not in each build of PyYAML
    FastLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    FastDumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

WIDTH = 100
MOST_DEEP = 20

_RARE_BREAKS = re.compile("[\r\x85\u2028\u2029]")  # line breaks for YAML, which would read them as blanks


class YamlProblem(Exception):
    """A text that cannot be read; `line` counts from 1."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line


@dataclass(frozen=True)
class Item:
    """One value of a YAML text: a record, or what stands in its place. `lines`: where each field's name stands."""

    value: object
    line: int
    lines: Mapping[str, int]


class _Loader(FastLoader):
    """As YAML 1.2 has it: `no` and `off` are words and not false, `+493012345678` is a text and not a number."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"-?(?:0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?(?:0|[1-9][0-9]*)\.[0-9]+", "-0123456789"),
):
    _first_chars = [char if char != "\0" else "" for char in _first]
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})\\Z"), _first_chars)


class _Dumper(FastDumper):
    """Quotes what any reader of YAML could take for a number or for true and false."""


class _PatientDumper(yaml.SafeDumper):
    """The same, and it writes rare characters, such as emoji, as they are."""


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if _RARE_BREAKS.search(text) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _write_text)
_PatientDumper.add_representer(str, _write_text)


def dump(content: object) -> str:
    """`content` as YAML; reading it gives an equal content."""
    text = _dump(content, _Dumper)
    return _dump(content, _PatientDumper) if "\\U" in text else text


def _dump(content: object, dumper: Any) -> str:
    return yaml.dump(content, Dumper=dumper, allow_unicode=True, sort_keys=False, width=WIDTH)


def load(text: str) -> list[Item]:
    """The records of a text: one, a list of them, or several documents. Raises `YamlProblem`."""
    try:
        _look_over(text)
        loader: Any = _Loader(text)
        try:
            items: list[Item] = []
            while loader.check_node():
                root = loader.get_node()
                each = root.value if isinstance(root, yaml.SequenceNode) else [root]
                items += [_item(loader, node) for node in each if not _is_empty(node)]
            return items
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlProblem(mark.line + 1 if mark else 1, f"not readable as YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise YamlProblem(1, f"not readable as YAML ({type(error).__name__})") from None


def _look_over(text: str) -> None:
    """Refuse what would take the reader down: a record needs no nesting, and nothing that stands for something else."""
    deep = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None) is not None:
            raise YamlProblem(line, "not readable as YAML: an alias (*) or a tag (!); allowed: plain values")
        deep += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if deep > MOST_DEEP:
            raise YamlProblem(line, f"not readable as YAML: nested deeper than {MOST_DEEP}")


def _item(loader: Any, node: yaml.Node) -> Item:
    _refuse_twice(node)
    lines: dict[str, int] = {}
    if isinstance(node, yaml.MappingNode):
        lines = {str(name.value): name.start_mark.line + 1 for name, _ in node.value}
    value: object = loader.construct_document(node)
    if isinstance(value, dict):
        value = {str(name): each for name, each in cast("dict[object, object]", value).items()}
    return Item(value, node.start_mark.line + 1, lines)


def _refuse_twice(node: yaml.Node) -> None:
    """A name that stands twice: the reader would take the last one without a word."""
    if isinstance(node, yaml.SequenceNode):
        for each in node.value:
            _refuse_twice(each)
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for name, value in node.value:
            field, line = str(name.value), name.start_mark.line + 1
            if field in lines:
                raise YamlProblem(line, f"{field}: stands twice, in line {lines[field]} too; allowed: once")
            lines[field] = line
            _refuse_twice(value)


def _is_empty(node: yaml.Node) -> bool:
    """A document of comments alone, or an empty file."""
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"
