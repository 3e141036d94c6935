"""dev.py stubs: umb/aio/*.pyi, which tell type checkers and editors that calls are awaited.

The clients of umb.aio inherit their calls from umb.client.Client, where nothing shows that they
return coroutines. The stubs are made of that class; they are not installed on boards.
"""

import argparse
import ast

from tools.env import ROOT

_CLIENT = "umb/client/__init__.py"
_AIO = "umb/aio/__init__.py"
_HEAD = "# Written by `python3 tools/dev.py stubs` from {}; not to be edited.\n\n"
_COLUMNS = 99
_CALLS = '''from typing import Self

class AsyncCalls:
    """The calls of a Client as coroutines. Tasks may share one: their calls queue in order."""

{}
    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, kind, error, trace) -> None: ...
'''


def is_call(function):
    """Return whether a method hands over to self._call(), as all calls do."""
    return any(
        isinstance(node, ast.Return)
        and isinstance(node.value, ast.Call)
        and ast.unparse(node.value.func) == "self._call"
        for node in ast.walk(function)
    )


def calls(tree):
    """Return the calls of class Client, as functions."""
    (client,) = (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Client")
    methods = [node for node in client.body if isinstance(node, ast.FunctionDef)]
    return [method for method in methods if not method.name.startswith("_") and is_call(method)]


def _parameters(arguments):
    """Return the parameters of a function as texts, `*` among them."""
    names = [*arguments.args, *([arguments.vararg] if arguments.vararg else [])]
    defaults = [None] * (len(names) - len(arguments.defaults)) + arguments.defaults
    found = [_parameter(name, default) for name, default in zip(names, defaults, strict=True)]
    if arguments.vararg:
        found[-1] = "*" + found[-1]
    elif arguments.kwonlyargs:
        found.append("*")
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return found + [_parameter(name, default) for name, default in pairs]


def _parameter(argument, default):
    text = ast.unparse(argument)
    if default is None:
        return text
    return text + (" = " if argument.annotation else "=") + ast.unparse(default)


def declaration(function, indent, returns=None):
    """Return the lines that declare a coroutine, as ruff would format them."""
    if returns is None and function.returns:
        returns = ast.unparse(function.returns)
    end = f") -> {returns}:" if returns else "):"
    head = f"{indent}async def {function.name}("
    parameters = _parameters(function.args)
    one_line = head + ", ".join(parameters) + end
    inner = f"{indent}    " + ", ".join(parameters)
    if len(one_line) <= _COLUMNS:
        lines = [one_line]
    elif len(inner) <= _COLUMNS:
        lines = [head, inner, indent + end]
    else:
        lines = [head, *(f"{indent}    {parameter}," for parameter in parameters), indent + end]
    docstring = ast.get_docstring(function, clean=False)
    return "\n".join([*lines, f'{indent}    """{docstring}"""']) + "\n"


def client_stub(tree):
    """Return the text of umb/aio/client.pyi."""
    body = "\n".join(declaration(function, "    ") for function in calls(tree))
    return _HEAD.format(_CLIENT) + _CALLS.format(body)


def package_stub(tree):
    """Return the text of umb/aio/__init__.pyi."""
    (homes,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOMES"
    )
    names = [f"from .{module} import {name} as {name}" for name, module in sorted(homes.items())]
    (serve,) = (n for n in tree.body if isinstance(n, ast.AsyncFunctionDef) and n.name == "serve")
    return _HEAD.format(_AIO) + "\n".join(names) + "\n\n" + declaration(serve, "", "None")


def stubs(root=ROOT):
    """Yield (place below the checkout, text) of every stub."""
    yield "umb/aio/__init__.pyi", package_stub(ast.parse((root / _AIO).read_text()))
    yield "umb/aio/client.pyi", client_stub(ast.parse((root / _CLIENT).read_text()))


def main(args):
    """Write the stubs anew; with --check return 1 if that would change one."""
    parser = argparse.ArgumentParser(prog="dev.py stubs", description="the type stubs of umb.aio")
    parser.add_argument("--check", action="store_true", help="write nothing, tell what is stale")
    check = parser.parse_args(args).check
    stale = 0
    for name, text in stubs():
        path = ROOT / name
        if not path.exists() or path.read_text() != text:
            stale += 1
            print(f"{name} {'is stale' if check else 'written'}")
            if not check:
                path.write_text(text)
    return 1 if check and stale else 0
