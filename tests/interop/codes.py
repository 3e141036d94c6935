"""pymodbus on each transport: its clients of the conformance suite's server, and its servers."""

import contextlib
import signal
import sys
from pathlib import Path

from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient, ModbusTcpClient, ModbusUdpClient

from tests.conformance.device import SLAVE_ID
from tests.interop.peer_remote import Remote
from tests.support.service import Service, free_port
from tools.pty_line import PtyLine

KINDS = ("TCP", "UDP", "RTU", "ASCII", "RTU over TCP")
_SERVER = Path(__file__).with_name("peer_codes.py")
_NAMED = {"timeout": 10, "retries": 0}


def pymodbus_client(kind, bench):
    """Return pymodbus's client of a tests.conformance.bench.Bench."""
    if kind == "RTU over TCP":
        framer = FramerType.RTU
        return ModbusTcpClient("127.0.0.1", port=bench.stream_port, framer=framer, **_NAMED)
    where = bench.where[kind]
    if kind in ("TCP", "UDP"):
        maker = ModbusTcpClient if kind == "TCP" else ModbusUdpClient
        return maker("127.0.0.1", port=where, **_NAMED)
    return ModbusSerialClient(where, framer=FramerType[kind], baudrate=115200, **_NAMED)


class Asking:
    """pymodbus's client, which asks the device and takes no exception for an answer."""

    def __init__(self, client):
        self._client = client

    def __getattr__(self, name):
        def call(*arguments, **named):
            response = getattr(self._client, name)(*arguments, device_id=SLAVE_ID, **named)
            assert not response.isError(), response
            return response

        return call

    def unanswered(self, name, *arguments):
        """Make a call that nobody is going to answer."""
        call = getattr(self._client, name)
        call(*arguments, device_id=SLAVE_ID, no_response_expected=True)

    def refused(self, name, *arguments, **named):
        """Return the exception code that a call is answered with."""
        response = getattr(self._client, name)(*arguments, device_id=SLAVE_ID, **named)
        assert response.isError()
        return response.exception_code


_SETUPS = {
    "TCP": "from umb.client.tcp import TCPClient\nclient = TCPClient(({0!r}, {1!r}){2})",
    "UDP": "from umb.client.udp import UDPClient\nclient = UDPClient(({0!r}, {1!r}){2})",
    "RTU over TCP": "from umb.client.tcp import TCPClient\n"
    "from umb.frame.rtu_stream import RTUStream\n"
    "client = TCPClient(({0!r}, {1!r}), framer=RTUStream, echo=False{2})",
}
_SERIAL = (
    "from umb.client.rtu import RTUClient\nfrom umb.port.tty import TTY\n"
    "from umb.frame.ascii import ASCII\nfrom umb.frame.rtu import RTU\n"
    "client = RTUClient(TTY({0!r}, 115200), baudrate=115200, framer={1}{2})"
)


@contextlib.contextmanager
def umb_client(micropython, kind):
    """Run a Remote whose client asks pymodbus's server."""
    options = ", timeout_ms=10_000, retries=0"
    with PtyLine() as line:
        serial = kind in ("RTU", "ASCII")
        where = line.server_path if serial else free_port()
        service = Service([sys.executable, _SERVER, kind, where])
        try:
            service.wait_for("ready")
            if serial:
                setup = _SERIAL.format(line.client_path, kind, options)
            else:
                setup = _SETUPS[kind].format("127.0.0.1", where, options)
            with Remote(micropython, setup) as remote:
                yield remote
        finally:
            service.end(signal.SIGKILL)
