"""Problems of a settings file, as messages for the person who wrote it."""

from collections.abc import Mapping
from typing import Any, Final

import yaml
from pydantic import ValidationError

_MESSAGES: Final[Mapping[str, str]] = {
    "extra_forbidden": "there is no such key; look for a typing error",
    "missing": "it is missing",
    "string_type": "must be text; put it in quotation marks",
    "model_type": "must be a mapping of keys to values",
    "dict_type": "must be a mapping of keys to values",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
}
_REPLACEMENTS: Final = (
    ("Value error, ", ""),
    ("Input should be", "must be"),
    ("String should", "must"),
    ("must match pattern '\\S'", "must not be blank"),
)


def problems_of(error: ValidationError, whole: str) -> list[str]:
    """One message per problem: the key's path and what is wrong with it; never the value.

    Args:
        error: the validation error of the model.
        whole: name of the file, used when no single key is wrong.
    """
    return [
        f"{'.'.join(str(part) for part in issue['loc'] if part != '[key]') or whole}: {_plain_message(issue['type'], issue['msg'])}"
        for issue in error.errors(include_url=False, include_input=False)
    ]


def _plain_message(kind: str, message: str) -> str:
    if kind in _MESSAGES:
        return _MESSAGES[kind]
    for old, new in _REPLACEMENTS:
        message = message.replace(old, new)
    return message


_DEEPEST: Final = 20
_MOST_VALUES: Final = 100_000


class _PlainLoader(yaml.SafeLoader):
    """Rejects, with its position, what a settings file never needs: a duplicate key in a mapping (YAML would silently take
    the last), references that expand to more values than memory can hold, and nesting without limit."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._sizes: dict[str | None, int] = {}

    _depth = _unfolded = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """The next node of the document."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            if event.anchor in self.anchors and event.anchor not in self._sizes:
                raise yaml.MarkedYAMLError(problem="a value refers to itself (*)", problem_mark=event.start_mark)  # type: ignore[arg-type]
            self._unfolded += self._sizes.get(event.anchor, 0)
        if self._depth == _DEEPEST:
            raise yaml.MarkedYAMLError(problem=f"it is nested more than {_DEEPEST} deep", problem_mark=event.start_mark)
        if self._unfolded > _MOST_VALUES:
            raise yaml.MarkedYAMLError(
                problem=f"with all references (*) written out it holds more than {_MOST_VALUES:,} values",
                problem_mark=event.start_mark,
            )
        before = self._unfolded
        self._depth, self._unfolded = self._depth + 1, self._unfolded + 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        if event.anchor and not isinstance(event, yaml.AliasEvent):
            self._sizes[event.anchor] = self._unfolded - before
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping of a node."""
        seen: set[str] = set()
        for key, _ in node.value:
            if str(key.value) in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value} stands there a second time; keep one", problem_mark=key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def yaml_of(content: bytes) -> Any:
    """The parsed content of a settings file.

    Raises:
        ValueError: it is not YAML in UTF-8; the message says where.
    """
    try:
        return yaml.load(content.decode("utf-8-sig"), _PlainLoader)  # noqa: S506 - a safe loader
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text; save it as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ValueError(f"{where}{_yaml_problem(error.problem or '')}") from None
    except yaml.YAMLError:
        raise ValueError("it holds characters that no text has") from None


def _yaml_problem(problem: str) -> str:
    return "indent with blanks, not with tabs" if "'\\t'" in problem else problem
