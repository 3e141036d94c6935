"""dev.py stubs: umb/aio/*.pyi, which show type checkers and editors that calls are awaited.

The clients of umb.aio inherit their calls from umb.client.Client, where nothing shows that they
return coroutines. The stubs are made of that class; they are not installed on boards.
"""

import argparse
import ast

from tools.env import ROOT

_CLIENT = "umb/client/__init__.py"
_SLAVE = "umb/client/slave.py"
_AIO = "umb/aio/__init__.py"
_HEAD = "# Written by `python3 tools/dev.py stubs` from {}; not to be edited.\n\n"
_COLUMNS = 99
_CALLS = '''from typing import Self

from .slave import AsyncSlave

class AsyncCalls:
    """The calls of a Client as coroutines. Tasks may share one: their calls queue in order."""

{}
    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, kind, error, trace) -> None: ...
'''

_SLAVES = '''from ..client.slave import Slave

class AsyncSlave(Slave):  # type: ignore[misc] # the same calls, awaited
    """As umb.client.slave.Slave, but every call is awaited: its client is one of umb.aio."""

{}'''

_DRIVER = '''from ..client.{module} import {name}
{imports}from .client import AsyncCalls

class Async{name}(AsyncCalls, {name}):  # type: ignore[misc] # the same calls, awaited
    """{docstring}"""

'''


def is_call(function):
    """Return whether a method returns self._call(...), as all calls do."""
    return any(
        isinstance(node, ast.Return)
        and isinstance(node.value, ast.Call)
        and ast.unparse(node.value.func) == "self._call"
        for node in ast.walk(function)
    )


def _methods(tree, name):
    """Return the public methods of this class."""
    (found,) = (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name)
    methods = [node for node in found.body if isinstance(node, ast.FunctionDef)]
    return [method for method in methods if not method.name.startswith("_")]


def calls(tree, name="Client"):
    """Return the calls of this class, as functions."""
    return [method for method in _methods(tree, name) if is_call(method)]


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


def declaration(function, indent, keyword, returns=None):
    """Return the lines that declare a function, as ruff would format them.

    keyword   "def" or "async def"
    returns   what it returns, None: as its own annotation says
    """
    if returns is None and function.returns:
        returns = ast.unparse(function.returns)
    end = f") -> {returns}:" if returns else "):"
    head = f"{indent}{keyword} {function.name}("
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
    if docstring is None:
        lines[-1] += " ..."
    else:
        lines.append(f'{indent}    """{docstring}"""')
    return "\n".join(lines) + "\n"


def client_stub(tree):
    """Return the text of umb/aio/client.pyi."""
    (slave,) = (method for method in _methods(tree, "Client") if method.name == "slave")
    declared = [declaration(slave, "    ", "def", "AsyncSlave")]
    declared += [declaration(function, "    ", "async def") for function in calls(tree)]
    return _HEAD.format(_CLIENT) + _CALLS.format("\n".join(declared))


def slave_stub(tree):
    """Return the text of umb/aio/slave.pyi."""
    declared = (declaration(function, "    ", "async def") for function in calls(tree, "Slave"))
    return _HEAD.format(_SLAVE) + _SLAVES.format("\n".join(declared))


def package_stub(tree):
    """Return the text of umb/aio/__init__.pyi."""
    (homes,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOMES"
    )
    names = [f"from .{module} import {name} as {name}" for name, module in sorted(homes.items())]
    functions = [
        declaration(node, "", keyword)
        for node in tree.body
        for kind, keyword in ((ast.FunctionDef, "def"), (ast.AsyncFunctionDef, "async def"))
        if isinstance(node, kind) and not node.name.startswith("_")
    ]
    return "\n".join([_HEAD.format(_AIO) + "\n".join(names) + "\n", *functions])


def _imports(tree, function):
    """Return the lines of a module that import what parameters of a function default to."""
    defaults = [*function.args.defaults, *function.args.kw_defaults]
    names = {default.id for default in defaults if isinstance(default, ast.Name)}
    found = []
    for node in tree.body:
        wanted = []
        if isinstance(node, ast.ImportFrom):
            wanted = sorted({alias.name for alias in node.names} & names)
        if wanted:
            found.append(f"from {'.' * node.level}{node.module} import {', '.join(wanted)}\n")
    return "".join(found)


def driver_stub(module, tree):
    """Return the text of the stub of a transport's client, whose own module is `tree`.

    It repeats the constructor: editors take that of AsyncCalls otherwise, which is object's.
    """
    name = module.upper() + "Client"
    (client,) = (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name)
    (init,) = (n for n in client.body if getattr(n, "name", None) == "__init__")
    docstring = ast.get_docstring(client, clean=False)
    imports = _imports(tree, init)
    head = _DRIVER.format(name=name, module=module, imports=imports, docstring=docstring)
    body = declaration(init, "    ", "def", "None")
    return _HEAD.format(f"umb/client/{module}.py") + head + body


def stubs(root=ROOT):
    """Yield (place below the checkout, text) of every stub."""

    def tree(file):
        return ast.parse((root / file).read_text())

    yield "umb/aio/__init__.pyi", package_stub(tree(_AIO))
    yield "umb/aio/client.pyi", client_stub(tree(_CLIENT))
    yield "umb/aio/slave.pyi", slave_stub(tree(_SLAVE))
    for module in ("rtu", "tcp", "udp"):
        yield f"umb/aio/{module}.pyi", driver_stub(module, tree(f"umb/client/{module}.py"))


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
