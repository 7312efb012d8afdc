"""Reads the comments that stand beside enum members, fields and keys: they are the docs' sentences."""

import ast
import inspect
import io
import tokenize
from types import ModuleType


def comments_on_members(owner: type) -> dict[str, str]:
    """The ``#:`` comment of every member of a class."""
    source = inspect.getsource(owner)
    comments = comments_by_line(source)
    body = ast.parse(source).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for node in body.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
        said = [comments[line] for line in lines if comments.get(line, "").startswith("#:")]
        if isinstance(target, ast.Name) and said:
            found[target.id] = said[0].removeprefix("#:").strip().replace("``", "`")
    return found


def comments_on_keys(module: ModuleType, name: str) -> dict[int, str]:
    """The comment on the line of every key of a module's table."""
    source = inspect.getsource(module)
    comments = comments_by_line(source)
    for node in ast.parse(source).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
            assert isinstance(node.value, ast.Dict)
            keys = [key for key in node.value.keys if isinstance(key, ast.Constant) and isinstance(key.value, int)]
            return {int(str(key.value)): comments[key.lineno].removeprefix("#").strip() for key in keys}
    raise LookupError(f"{module.__name__} has no table {name}")


def comments_by_line(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}
