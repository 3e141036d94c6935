"""The stub files of umb/aio tell what the clients there have: their calls, each a coroutine."""

import ast

import pytest

from tools.env import ROOT


def methods(path, name):
    """Return {name: (is a coroutine, parameters, what it returns)} of the class in a file."""
    tree = ast.parse((ROOT / "umb" / path).read_text())
    (found,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name]
    return {
        node.name: (
            isinstance(node, ast.AsyncFunctionDef),
            ast.unparse(node.args),
            ast.unparse(node.returns) if node.returns else "None",
            "self._call(" in ast.unparse(node),
        )
        for node in found.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_call_is_there_with_its_parameters():
    calls = {
        name: about[1:3]
        for name, about in methods("client/__init__.py", "Client").items()
        if about[3]
    }
    stubs = methods("aio/client.pyi", "AsyncCalls")
    assert len(calls) > 20
    assert {name: about[1:3] for name, about in stubs.items() if name[0] != "_"} == calls
    assert all(about[0] for about in stubs.values())


@pytest.mark.parametrize("kind", ["rtu", "tcp", "udp"])
def test_constructors_have_their_parameters(kind):
    wanted = methods(f"client/{kind}.py", f"{kind.upper()}Client")["__init__"]
    assert methods(f"aio/{kind}.pyi", f"Async{kind.upper()}Client")["__init__"][1] == wanted[1]
