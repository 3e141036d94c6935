"""YAML with the lines of its keys. Values with tags, as !secret or !lambda, stay as they are."""

import yaml

from tools.points.source import Mistake


class Mapping(dict):
    """A mapping: `line` is where it begins, lines[key] where a key stands."""

    def __init__(self, line):
        super().__init__()
        self.line = line
        self.lines = {}


class Tagged(str):
    """A value with a tag of its own, such as !lambda: its text."""


class _Loader(yaml.SafeLoader):
    pass


def _mapping(loader, node):
    found = Mapping(node.start_mark.line + 1)
    yield found
    loader.flatten_mapping(node)
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        found.lines[key] = key_node.start_mark.line + 1
        found[key] = loader.construct_object(value_node, deep=True)


def _tagged(_, suffix, node):
    return Tagged(f"!{suffix} {getattr(node, 'value', '')}")


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_multi_constructor("!", _tagged)


def load(path, text):
    """Return what is in a text of YAML. Raises Mistake."""
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        raise Mistake(path, line, None, getattr(error, "problem", None) or str(error)) from None
    except (TypeError, ValueError) as error:  # a key that cannot be one, a date that is none
        raise Mistake(path, 0, None, str(error)) from None


def as_list(value):
    """Return a list of mappings: of one, or of none."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
