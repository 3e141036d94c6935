"""Type checkers see the calls of umb.aio as coroutines: its stubs are those of the calls."""

import ast
import json
import os
import subprocess
import sys

import pytest

from tests.interop.peer_remote import Remote
from tools import stubs
from tools.env import ROOT

_STUB = ast.parse((ROOT / "umb/aio/client.pyi").read_text())
_SLAVE_STUB = ast.parse((ROOT / "umb/aio/slave.pyi").read_text())
_CLIENT = ast.parse((ROOT / "umb/client/__init__.py").read_text())
_SLAVE = ast.parse((ROOT / "umb/client/slave.py").read_text())
_PROGRAM = """
from umb.aio import AsyncRTUClient, AsyncTCPClient, AsyncUDPClient, serve
from umb.client.tcp import TCPClient

async def main(rtu: AsyncRTUClient, tcp: AsyncTCPClient, udp: AsyncUDPClient) -> None:
    rows: list = await rtu.read_holding_registers(1, 0, 2)
    rows += await tcp.read_holding_registers(slave_id=1, starting_address=0, quantity=2)
    rows += await udp.read_holding_registers(1, 0, 2, into=[0, 0], signed=True)
    number: int = await tcp.write_single_register(1, 2, 3)
    names: dict = await rtu.read_device_identification(1)
    pdu: bytes = await udp.request(1, b"A")
    await serve()
    meter = rtu.slave(7, timeout_ms=300)
    rows += await meter.read_input_registers(0, 2)
    count: int = meter.requests
    tcp.close()
    tcp.timeout_ms = 5

blocking: list = TCPClient(("10.0.0.5", 502), timeout_ms=500).read_coils(1, 0, 1)
"""
_WRONG = {
    "a call that is not awaited": "rows: list = client.read_coils(1, 0, 1)",
    "a call that does not exist": "await client.read_coil(1, 0, 1)",
    "too few arguments": "await client.read_coils(1, 0)",
    "an unknown argument": "await client.read_coils(1, 0, 1, count=2)",
    "an argument of the wrong kind": "await client.read_coils('1', 0, 1)",
    "a result of the wrong kind": "text: str = await client.read_coils(1, 0, 1)",
    "a slave's call that is not awaited": "rows: list = client.slave(1).read_coils(0, 1)",
    "a slave's call with its number": "await client.slave(1).write_single_coil(1, 0, 1)",
    "a wrong setting": "client.slave(1, timeout=5)",
    "a wrong option": "AsyncTCPClient(('10.0.0.5', 502), timeout=5)",
}


def test_they_are_what_the_generator_writes():
    stale = [name for name, text in stubs.stubs() if (ROOT / name).read_text() != text]
    assert stale == [], "python3 tools/dev.py stubs writes them anew"


def test_there_are_no_others():
    found = {path.relative_to(ROOT).as_posix() for path in (ROOT / "umb").rglob("*.pyi")}
    assert found == {name for name, _ in stubs.stubs()}


def functions(tree, name):
    """Return {name: function} of a class."""
    (found,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    kinds = ast.FunctionDef, ast.AsyncFunctionDef
    return {node.name: node for node in found.body if isinstance(node, kinds)}


def test_every_call_is_there_with_the_same_parameters():
    calls = {n for n in functions(_CLIENT, "Client") if n.startswith(("read_", "write_", "get_"))}
    calls |= {"diagnostics", "mask_write_register", "report_server_id", "request"}
    declared = awaited(_STUB, "AsyncCalls")
    assert calls - declared.keys() == set()
    same(declared, functions(_CLIENT, "Client"))
    of_slaves = awaited(_SLAVE_STUB, "AsyncSlave")
    assert of_slaves.keys() == declared.keys() - {"connect"}
    same(of_slaves, functions(_SLAVE, "Slave"))


def awaited(tree, name):
    """Return the calls that a class of the stubs declares as coroutines."""
    kinds = functions(tree, name).items()
    return {n: f for n, f in kinds if n[0] != "_" and isinstance(f, ast.AsyncFunctionDef)}


def same(declared, calls):
    """Check that coroutines are declared as the calls are that they stand for."""
    for name, function in declared.items():
        call = calls[name]
        assert ast.dump(function.args) == ast.dump(call.args), name
        assert ast.get_docstring(function) == ast.get_docstring(call), name
        assert call.returns is None or ast.dump(function.returns) == ast.dump(call.returns), name


@pytest.mark.parametrize("module", ["rtu", "tcp", "udp"])
def test_a_clients_constructor_is_the_blocking_ones(module):
    """Editors show its parameters."""
    name = module.upper() + "Client"
    stub = ast.parse((ROOT / f"umb/aio/{module}.pyi").read_text())
    own = functions(ast.parse((ROOT / f"umb/client/{module}.py").read_text()), name)["__init__"]
    init = functions(stub, f"Async{name}")["__init__"]
    for kind in ("args", "kwonlyargs"):
        for mine, wanted in zip(getattr(init.args, kind), getattr(own.args, kind), strict=True):
            assert ast.dump(mine) == ast.dump(wanted)
    optional = [default is not None for default in own.args.kw_defaults]
    assert [default is not None for default in init.args.kw_defaults] == optional


def test_every_client_is_there(micropython):
    with Remote(micropython, "import umb.aio") as board:
        for name in ("AsyncRTUClient", "AsyncTCPClient", "AsyncUDPClient"):
            assert board.evaluate(f"umb.aio.{name}.__name__") == name
        declared = ast.parse((ROOT / "umb/aio/__init__.pyi").read_text())
        imported = [node for node in declared.body if isinstance(node, ast.ImportFrom)]
        names = {node.names[0].name for node in imported}
        assert names == set(board.evaluate("list(umb.aio._HOMES)"))


def test_calls_are_coroutines(micropython):
    """What the stubs say is so: a call does nothing until it is awaited."""
    setup = "from umb.aio import AsyncTCPClient\nclient = AsyncTCPClient(('127.0.0.1', 1))"
    with Remote(micropython, setup) as board:
        board.run("slave = client.slave(1)")
        for of, tree, kind in (
            ("client", _STUB, "AsyncCalls"),
            ("slave", _SLAVE_STUB, "AsyncSlave"),
        ):
            for name, function in awaited(tree, kind).items():
                required = len(function.args.args) - 1 - len(function.args.defaults)
                arguments = "b'AB', " * required
                board.run(f"call = {of}.{name}({arguments})")
                assert board.evaluate("type(call).__name__") == "generator", name
                board.run("call.close()")


class Checker:
    """A type checker: its faults with a program, as texts."""

    def __init__(self, name, folder):
        pytest.importorskip(name, reason=f"{name} is not installed")
        self.name = name
        self._path = folder / "program.py"
        self._config = folder / "pyrightconfig.json"

    def faults(self, text):
        self._path.write_text(text)
        self._config.write_text(json.dumps({"extraPaths": [str(ROOT)]}))
        command = [sys.executable, "-m", self.name, str(self._path)]
        if self.name == "mypy":
            command += ["--follow-imports=silent", "--ignore-missing-imports"]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=self._path.parent,
            env={**os.environ, "MYPYPATH": str(ROOT)},
        )
        assert done.stdout, done.stderr
        return [line for line in done.stdout.splitlines() if "program.py:" in line]


@pytest.fixture(scope="module", params=["pyright", "mypy"])
def checker(request, tmp_path_factory):
    """A Checker, which keeps what it has found out of the modules of umb."""
    return Checker(request.param, tmp_path_factory.mktemp(request.param))


def test_a_right_program(checker):
    assert checker.faults(_PROGRAM) == []


def test_wrong_programs(checker):
    head = (
        "from umb.aio import AsyncTCPClient\n\nasync def main(client: AsyncTCPClient) -> None:\n"
    )
    text = head + "".join(f"    {line}\n" for line in _WRONG.values())
    lines = {
        int(fault.partition("program.py:")[2].split(":")[0]) for fault in checker.faults(text)
    }
    assert lines == set(range(4, 4 + len(_WRONG)))


def test_the_command(tmp_path, monkeypatch, capsys):
    assert stubs.main(["--check"]) == 0
    monkeypatch.setattr(stubs, "ROOT", tmp_path)
    (tmp_path / "umb/aio").mkdir(parents=True)
    assert stubs.main(["--check"]) == 1
    assert stubs.main([]) == 0
    assert stubs.main(["--check"]) == 0
    said = capsys.readouterr().out.splitlines()
    names = [name for name, _ in stubs.stubs(ROOT)]
    assert said == [f"{n} is stale" for n in names] + [f"{n} written" for n in names]
    for name, text in stubs.stubs(ROOT):
        assert (tmp_path / name).read_text() == text
