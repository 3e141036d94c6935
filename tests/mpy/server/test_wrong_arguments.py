"""Every argument of every constructor, and of the methods that programs call, of a wrong kind.

What is refused is refused at once, with a sentence that says what is wanted; what is taken is
listed here. The calls of clients are in tests/mpy/client/test_client_arguments.py.
"""

import select

import support.uart
from support.machine import machine, made  # comes first: it stands in for the module machine
from support.broker import Broker
from support.umb import raises

from umb.aio import AsyncTCPClient
from umb.bridge import Bridge
from umb.bridge.discovery import Discovery
from umb.client.rtu import RTUClient
from umb.client.tcp import TCPClient
from umb.client.udp import UDPClient
from umb.frame.mbap import MBAP
from umb.frame.rtu import RTU
from umb.functions.diagnostics import Diagnostics
from umb.functions.files import Files, Queues
from umb.functions.identity import Identity, ServerId
from umb.gateway import Gateway
from umb.points import Points, PointStore
from umb.poller import Poller
from umb.port.line import owners
from umb.port.tty import TTY
from umb.serve import serve
from umb.server import Server
from umb.server.rtu import RTUServer
from umb.server.tcp import TCPServer
from umb.server.udp import UDPServer
from umb.sparkplug import Sparkplug
from umb.store import Bits, Registers, Store
from umb.words import ABCD, F32, U32, get, get_bits, get_bytes, get_string, put, put_bits
from umb.words import put_bytes, put_string, size

_VALUES = {
    "None": None,
    '""': "",
    '"text"': "text",
    'b""': b"",
    "-1": -1,
    "1.5": 1.5,
    "10**9": 10**9,
    "1<<80": 1 << 80,
    "True": True,
    "[]": [],
    "object": object(),
    "lambda": lambda *_: 1,
    "class": Store,
}
# What parts of the interpreter's own errors look like, which say nothing of the parameter.
_OBSCURE = (
    "unsupported type",
    "object isn't",
    "has no attribute",
    "has no len",
    "can't convert",
    "overflow",
    "argument",
)
_HOOK = {"None", "lambda", "class"}
_LIST = {'""', 'b""', "[]"}  # empty ones
_FLAG = {"True"}
_NONE = {"None"}
_NUMBER = {"-1", "1.5", "10**9", "1<<80"}
_TEXT = {'""', '"text"'}
_BYTES = {'""', '"text"', 'b""'}
_FORMAT = {"uart": 0, "baudrate": 9600, "bits": 8, "parity": None, "stop": 1, "de": None}
_FORMAT.update({"de_active": 1, "turnaround_us": 0, "gap_ms": 20, "framer": RTU})
_FORMAT_TAKES = {
    "parity": {"None", "True"},
    # The port's UART and Pin refuse numbers that there are not.
    "uart": {"-1", "10**9", "1<<80"},
    "de": {"None", "lambda", "class", "-1", "10**9", "1<<80"},
}
_CLIENT = {"timeout_ms": 1000, "retries": 0, "pause_ms": 0, "busy_pause_ms": 0, "strict": True}
_CLIENT["broadcast"] = False
_CLIENT_TAKES = {"strict": _FLAG, "broadcast": _FLAG}
_SLAVE = dict.fromkeys(_CLIENT)
_SLAVE["slave_id"] = 1
_SLAVE_TAKES = dict.fromkeys(_CLIENT, _NONE)
_SLAVE_TAKES.update({"strict": {"None", "True"}, "broadcast": {"None", "True"}})
_HOOKS = {"on_read": None, "on_write": None, "validate": None}
_HOOKS_TAKE = dict.fromkeys(_HOOKS, _HOOK)
_HERE = ("127.0.0.1", 0)
_PEER = ("127.0.0.1", 5020)
_POINT = {"name": "a", "address": 0, "input_type": "holding", "writable": True}
_POINTS = Points([_POINT, {"name": "b", "address": 5, "input_type": "coil"}])
_PATH = {"slave_ids": None, "timeout_ms": None, "unit_ids": None, "cache_ms": 0, "cached": 8}
_PATH_TAKES = {"slave_ids": _NONE | _LIST, "timeout_ms": _NONE, "unit_ids": _NONE}


_UPLINK = {
    "source": PointStore(_POINTS),
    "mqtt": Broker(),
    "devices": None,
    "interval_ms": 1000,
    "period_ms": None,
    "history": 64,
    "on_error": None,
}
_UPLINK_TAKES = {"devices": _NONE, "period_ms": _NONE, "on_error": _HOOK}


def _rtu(**options):
    return RTUClient(0, baudrate=9600, **options)


class _Closed:
    """Makes a client on UART 0, and closes it in the end."""

    def __enter__(self):
        self.client = _rtu()
        return self.client

    def __exit__(self, _, error, trace):
        self.client.close()


def _with_client(use):
    """Return a function that calls use(client, ...)."""

    def called(**named):
        with _Closed() as client:
            use(client, **named)

    return called


def _server():
    return Server(Store(coils=8, holding_registers=8))


def _set(block, address, value):
    block[address] = value


def _set_slice(value):
    Registers(0, 3)[0:1] = value


def _get_slice(first, end):
    return Registers(0, 3)[first:end]


def _set_point(name, value):
    _set(PointStore(_POINTS), name, value)


def _poll(client, **named):
    Poller(client).device(**named)


def _set_polled(client, name, value):
    Poller(client).device(1, _POINTS)[name] = value


# (function, its arguments, {argument: which of _VALUES it takes})
_CALLS = (
    (
        Server,
        {"store": None, "slave_ids": (1,), "functions": (), "on_error": None},
        {"store": _NONE, "slave_ids": _LIST, "functions": {"[]"}, "on_error": _HOOK},
    ),
    (
        lambda slave_id, store: _server().add(slave_id, store),
        {"slave_id": 2, "store": None},
        {"store": _NONE},
    ),
    (lambda slave_id: _server().remove(slave_id), {"slave_id": 1}, {"slave_id": {"True"}}),
    (
        lambda code, handler: _server().function(code, handler),
        {"code": 65, "handler": bool},
        {"handler": {"lambda", "class"}},
    ),
    (
        lambda **named: _server().route(**named),
        {"slave_ids": None, "function_codes": None, "addresses": None, "signed": None},
        {
            "slave_ids": _NONE | _LIST,
            "function_codes": _NONE | _LIST,
            "addresses": _NONE | _LIST,
            "signed": {"None", "True"},
        },
    ),
    (
        _server().route(),
        {"endpoint": bool},
        {"endpoint": {"lambda", "class"}},
    ),
    (
        lambda **named: RTUServer(**named).server_close(),
        dict(_FORMAT, server=None, hold_ms=20),
        dict(_FORMAT_TAKES, server=_NONE),
    ),
    (
        lambda **named: TCPServer(**named).server_close(),
        {
            "address": _HERE,
            "server": None,
            "max_clients": 4,
            "idle_timeout_ms": 1000,
            "framer": MBAP,
            "allow": None,
            "on_connect": None,
            "on_disconnect": None,
        },
        {
            "server": _NONE,
            "idle_timeout_ms": {"10**9"},
            "allow": _HOOK | {"[]"},
            "on_connect": _HOOK,
            "on_disconnect": _HOOK,
        },
    ),
    (
        lambda **named: UDPServer(**named).server_close(),
        {"address": _HERE, "server": None, "framer": MBAP, "allow": None},
        {"server": _NONE, "allow": _HOOK | {"[]"}},
    ),
    (
        lambda host, port: TCPServer((host, port)).server_close(),
        {"host": "127.0.0.1", "port": 0},
        {},
    ),
    (
        lambda host: TCPServer(_HERE, allow=[host]).server_close(),
        {"host": "127.0.0.1"},
        {},
    ),
    (
        Store,
        {"coils": 1, "discrete_inputs": 1, "input_registers": 1, "holding_registers": 1},
        {
            "coils": {"[]"},
            "discrete_inputs": {"[]"},
            "input_registers": {"[]"},
            "holding_registers": {"[]"},
        },
    ),
    (
        lambda value: Store(holding_registers=[value]),
        {"value": 1},
        {"value": {"-1", "True"}},
    ),
    (lambda value: Store(coils=[value]), {"value": 1}, {"value": {"True"}}),
    (lambda block: Store(coils=(block,)), {"block": Bits(0, 1)}, {}),
    (Registers, dict(_HOOKS, start=0, quantity=1), dict(_HOOKS_TAKE, quantity={"[]"})),
    (Bits, dict(_HOOKS, start=0, quantity=1), dict(_HOOKS_TAKE, quantity={"[]"})),
    (lambda address: Registers(0, 3)[address], {"address": 0}, {}),
    (
        lambda address, value: _set(Registers(0, 3), address, value),
        {"address": 0, "value": 1},
        {"value": {"-1", "True"}},
    ),
    (
        lambda address, value: _set(Bits(0, 3), address, value),
        {"address": 0, "value": 1},
        {"value": {"True"}},
    ),
    (_set_slice, {"value": [1]}, {}),
    (_get_slice, {"first": 0, "end": 1}, {"first": _NONE, "end": _NONE}),
    (lambda value: _set_slice([value]), {"value": 1}, {"value": {"-1", "True"}}),
    (Diagnostics, {"networks": False}, {"networks": _FLAG}),
    (Identity, {"objects": {0: "a", 1: "b", 2: "c"}}, {}),
    (lambda value: Identity({0: value, 1: "", 2: ""}), {"value": ""}, {"value": _BYTES}),
    (
        ServerId,
        {"server_id": b"a", "additional": b"", "networks": False},
        {"server_id": _BYTES, "additional": _BYTES, "networks": _FLAG},
    ),
    (Files, {"files": {}}, {}),
    (lambda file: Files({1: file}), {"file": Registers(0, 1)}, {}),
    (Queues, {"queues": {}}, {}),
    (lambda queue: Queues({1: queue}), {"queue": []}, {"queue": {"[]", 'b""'}}),
    (
        _with_client(Gateway),
        dict(_PATH, local=None, max_wait_ms=5000, queue=8, answer_broadcasts=False),
        dict(_PATH_TAKES, local=_NONE, answer_broadcasts=_FLAG),
    ),
    (
        _with_client(lambda client, **named: Gateway(client).add(client, **named)),
        _PATH,
        _PATH_TAKES,
    ),
    (Gateway, {"line": TCPClient(_PEER)}, {}),
    (lambda slave_id: Gateway(TCPClient(_PEER), (slave_id,)), {"slave_id": 1}, {}),
    (lambda slave_id: Gateway(TCPClient(_PEER), unit_ids={255: slave_id}), {"slave_id": 1}, {}),
    (
        lambda **named: RTUClient(**named).close(),
        dict(_FORMAT, turnaround_ms=100, echo=False, **_CLIENT),
        dict(_FORMAT_TAKES, echo=_FLAG, **_CLIENT_TAKES),
    ),
    (
        TCPClient,
        dict(
            _CLIENT,
            address=_PEER,
            framer=MBAP,
            echo=None,
            connect_pause_ms=0,
            reconnect_after_timeouts=1,
        ),
        dict(_CLIENT_TAKES, echo=_NONE),
    ),
    (UDPClient, dict(_CLIENT, address=_PEER), _CLIENT_TAKES),
    (_with_client(lambda client, **named: client.slave(**named)), _SLAVE, _SLAVE_TAKES),
    (lambda **named: AsyncTCPClient(_PEER).slave(**named), _SLAVE, _SLAVE_TAKES),
    (
        Poller,
        {"client": TCPClient(_PEER), "on_change": None, "on_state": None, "on_error": None},
        {"on_change": _HOOK, "on_state": _HOOK, "on_error": _HOOK},
    ),
    (
        _with_client(_poll),
        {
            "slave_id": 1,
            "points": _POINTS,
            "interval_ms": 1000,
            "max_gap": None,
            "max_span": None,
            "ranges": None,
            "pause_ms": None,
            "timeout_ms": None,
            "priority": 0,
            "max_age_ms": None,
            "strict": None,
        },
        {
            "max_gap": _NONE,
            "max_span": _NONE,
            "ranges": _NONE,
            "pause_ms": _NONE,
            "timeout_ms": _NONE,
            "priority": {"-1"},
            "max_age_ms": _NONE,
            "strict": {"None", "True"},
        },
    ),
    (
        Bridge,
        dict(_UPLINK, name="b", prefix="umb", json=False, discovery=None),
        dict(_UPLINK_TAKES, name={'"text"'}, prefix={'"text"'}, json=_FLAG, discovery=_NONE),
    ),
    (
        Sparkplug,
        dict(_UPLINK, group="g", name="b"),
        dict(_UPLINK_TAKES, group={'"text"'}, name={'"text"'}),
    ),
    (Discovery, {"prefix": "homeassistant"}, {"prefix": {'"text"'}}),
    (_with_client(_set_polled), {"name": "a", "value": 1}, {"value": {"-1", "1.5", "True"}}),
    (Points, {"points": []}, {"points": {"[]"}}),
    (lambda point: Points([point]), {"point": _POINT}, {}),
    (
        lambda **named: Points([named]),
        dict(
            _POINT,
            data_type="int16",
            scale=1,
            offset=0,
            precision=0,
            swap="none",
            unit_of_measurement="V",
            device_class="x",
            state_class="y",
            scan_interval=1,
            nan_value=5,
            min_value=0,
            max_value=5,
            deadband=1,
        ),
        {
            "name": {'"text"'},
            "unit_of_measurement": {'"text"'},
            "device_class": {'"text"'},
            "state_class": {'"text"'},
            "scale": _NUMBER,
            "offset": _NUMBER,
            "scan_interval": {"None", "1.5"},
            "writable": _FLAG,
            "nan_value": {"-1"},
            "min_value": {"-1", "1.5"},
            "max_value": {"1.5", "10**9", "1<<80"},
            "deadband": {"1.5", "10**9", "1<<80"},
        },
    ),
    (lambda count: Points([dict(_POINT, data_type="string", count=count)]), {"count": 2}, {}),
    (lambda bit: Points([dict(_POINT, bit=bit)]), {"bit": 2}, {}),
    (
        Points.load,
        {"path": "docs/profiles/eastron_sdm230.json", "address": 0, "prefix": ""},
        {"prefix": _TEXT},
    ),
    (lambda name: _POINTS[name], {"name": "a"}, {}),
    (PointStore, {"points": _POINTS, "on_change": None}, {"on_change": _HOOK}),
    (_set_point, {"name": "a", "value": 1}, {"value": {"-1", "1.5", "True"}}),
    (lambda value: _set_point("b", value), {"value": 1}, {"value": {"True"}}),
    (
        lambda **named: TTY("/dev/null", **named),
        {"baudrate": 9600, "bits": 8, "parity": None, "stop": 1},
        {},
    ),
    (lambda path: TTY(path, 9600), {"path": "/dev/null"}, {}),
    (get, {"values": [1, 2], "at": 0, "kind": F32, "order": ABCD}, {}),
    (
        put,
        {"values": [1, 2], "at": 0, "kind": F32, "value": 1, "order": ABCD},
        {"value": _NUMBER | {"True"}},
    ),
    (
        put,
        {"values": [1, 2], "at": 0, "kind": U32, "value": 1, "order": ABCD},
        {"value": {"10**9", "True"}},
    ),
    (size, {"kind": F32}, {}),
    (get_bits, {"values": [1], "at": 0, "first": 0, "n": 3, "order": ABCD}, {}),
    (
        put_bits,
        {"values": [1], "at": 0, "first": 0, "n": 3, "value": 1, "order": ABCD},
        {"value": {"True"}},
    ),
    (get_bytes, {"values": [1, 2], "at": 0, "n": 2, "order": ABCD}, {}),
    (
        put_bytes,
        {"values": [1, 2], "at": 0, "n": 2, "data": b"123", "order": ABCD},
        {"data": {"[]", 'b""'}},
    ),
    (get_string, {"values": [1, 2], "at": 0, "n": 2, "order": ABCD}, {}),
    (
        put_string,
        {"values": [1, 2], "at": 0, "n": 2, "text": "abc", "order": ABCD},
        {"text": _TEXT},
    ),
)


def _outcome(function, arguments):
    """Return None if the arguments are taken, "" if they are refused well, or what is raised."""
    try:
        function(**arguments)
    except (ValueError, TypeError, IndexError, KeyError) as error:
        text = str(error)
        if isinstance(error, KeyError):
            return "" if "point" in text else text
        for part in _OBSCURE:
            if part in text:
                return "{}: {}".format(type(error).__name__, text)
        return "" if len(text) > 10 else text
    except OSError as error:
        return "" if len(str(error)) > 30 else str(error)
    except Exception as error:  # noqa: BLE001 - this is what must not be
        return "{}: {}".format(type(error).__name__, error)
    return None


def test_every_argument_of_a_wrong_kind():
    wrong = []
    for function, good, takes in _CALLS:
        for name in good:
            taken = set()
            for label, value in _VALUES.items():
                made()  # lets go of the UARTs
                outcome = _outcome(function, dict(good, **{name: value}))
                if outcome is None:
                    taken.add(label)
                elif outcome:
                    wrong.append((name, label, outcome))
            if taken != takes.get(name, set()):
                wrong.append((name, "takes", taken))
    assert not wrong, "\n".join("{}: {} {}".format(*one) for one in wrong)


def test_right_arguments_are_taken():
    """Or nothing that is refused above would say anything about the argument that is wrong."""
    for function, good, _ in _CALLS:
        outcome = _outcome(function, good)
        assert outcome is None or "path" in good or "stop" in good, (good, outcome)


class Timer:
    """What start() looks for when it is imported."""

    ONE_SHOT = 0


def test_a_uart_has_one_driver():
    """The last one; one before it says so when it is served, and when it waits for the line."""
    owners.clear()
    machine.Timer = Timer  # start() imports it, and is refused before it makes one
    for kind in (RTUServer, RTUClient):
        for make in (
            lambda: RTUServer(1, baudrate=9600),
            lambda: Gateway(RTUClient(1, baudrate=9600)),
            lambda: Poller(RTUClient(1, baudrate=9600)),
        ):
            made()
            driver = make()
            driver.watch(select.poll())
            kind(1, baudrate=9600)
            error = raises(RuntimeError, serve, driver)
            assert str(error) == "UART 1 was given to another driver since", error
            if isinstance(driver, RTUServer):
                raises(RuntimeError, driver.start)
    made()
    driver = None
    RTUServer(1, baudrate=9600).watch(select.poll())
    # UARTs that a program made are its own business.
    uart = support.uart.UART(9600, 8, None, 1)
    first = RTUServer(uart, baudrate=9600)
    RTUServer(uart, baudrate=9600)
    first.watch(select.poll())
