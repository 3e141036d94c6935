"""MQTT: a connection to an MQTT broker that never waits, over the client of chumicro-mqtt.

    mqtt = MQTT("192.168.1.2", user="plant", password="secret")

docs/how-to/mqtt.md describes which methods a Bridge needs of such an object, so that others fit,
and why this client was chosen.
"""

import select
from time import ticks_add, ticks_diff, ticks_ms

from chumicro_mqtt import MQTTBackpressureError, MQTTConnectError
from chumicro_mqtt.client import MQTTClient, ProtocolState
from micropython import const

from ..check import function, integer, wrong
from ..port.errnos import failure
from ..port.sockets import resolve
from .attempts import Attempts
from .transport import Transport

_PORT = const(1883)
_TLS_PORT = const(8883)
_IN = const(1)  # select.POLLIN and another, the same on every port
_OUT = const(4)
_RECEIVED_BYTES = const(512)  # the longest message that is taken, with its topic
_QUEUED = const(4)  # messages that wait until the network takes them
_UNACKNOWLEDGED = const(8)  # messages with QoS 1 that wait until the broker has them
_MOST_TIMEOUT_MS = const(3_600_000)
_LONGEST_NAP_MS = const(500)
_RETRY_MS = const(10)  # how often it is tried to connect further, or to send what was not taken
_LOOK_UP_AGAIN = const(5)  # after so many attempts in vain the name is looked up again
_TICKS = const((1 << 29) - 1)
_HALF_TICKS = const(1 << 28)
_MINUS_TICKS = const(-1 << 29)
# The return codes of a broker that refuses a connection (MQTT 3.1.1, 3.2.2.3).
_REFUSALS = (
    "it does not know MQTT 3.1.1",
    "the client id is refused",
    "it is out of service",
    "wrong user name or password",
    "not authorized",
)


class _Ticks:
    """The clock, as the client wants it: milliseconds that wrap at 1 << 29."""

    @staticmethod
    def ticks_ms():
        return ticks_ms() & _TICKS

    @staticmethod
    def ticks_add(ms, delta_ms):
        return ticks_add(ms, delta_ms) & _TICKS

    @staticmethod
    def ticks_diff(end_ms, start_ms):
        ms = end_ms - start_ms & _TICKS
        return ms | _MINUS_TICKS if ms & _HALF_TICKS else ms


class MQTT:
    """A connection to the broker at `host`, made anew whenever it is lost.

    host           its address or name. Looking up a name waits for the name server
    port           None: 1883, with TLS 8883
    user, password   text, None: without
    tls            None: without TLS; the path of a file, PEM or DER, with the certificate of the
                   authority that has signed the broker's; True: encrypted, but the broker may be
                   anybody; or an ssl.SSLContext
    client_id      what the broker knows it by: of two clients with the same id it throws one out.
                   None: what open() is given
    keep_alive_s   after one and a half times as long without a byte the broker gives it up
    timeout_ms     how long the broker has to answer. One that is silent is given up after half of
                   keep_alive_s and so long at most
    network        network() returns whether there is a network: as long as there is none, no
                   attempt to connect is made. None: there always is one

    connected   whether the broker has accepted it
    sessions    how many times the broker has accepted it
    error       why it is not connected, or was not the last time: text, empty at first

    Attempts to connect are 1 s apart, then twice as long each time, up to a minute, and each of
    these times is changed by chance by up to one half. A connection that is lost within half a
    minute counts as an attempt that has failed.

    Raises ValueError for a wrong argument, OSError for a certificate that cannot be read.
    """

    def __init__(
        self,
        host: str,
        *,
        port: "int | None" = None,
        user: "str | None" = None,
        password: "str | None" = None,
        tls=None,
        client_id: "str | None" = None,
        keep_alive_s: int = 30,
        timeout_ms: int = 10_000,
        network=None,
    ):
        for name, value in (("host", host), ("user", user), ("client_id", client_id)):
            if not ((isinstance(value, str) and value) or (value is None and name != "host")):
                raise wrong(name, value, "text")
        if not (password is None or (isinstance(password, str) and user is not None)):
            raise ValueError("password must be text, together with user")
        if port is None:
            port = _TLS_PORT if tls else _PORT
        integer("port", port, 1, 65535)
        integer("keep_alive_s", keep_alive_s, 2, 65535)
        integer("timeout_ms", timeout_ms, 100, _MOST_TIMEOUT_MS)
        function("network", network)
        self.host = host
        self.port = port
        self.client_id = client_id
        self.connected = False
        self.sessions = 0
        self.unacknowledged = 0
        self.error = ""
        self._user = user
        self._password = password
        self._tls = None
        if tls:
            from .tls import tls_context

            self._tls = tls_context(tls)
        self._keep_alive_s = keep_alive_s
        self._timeout_ms = timeout_ms
        self._network = network
        self._client = None
        self._transport = None
        self._refusal = None  # the OSError that kept a transport from being made
        self._on_message = None
        self._will = None
        self._address = None  # what the host's name stands for, once it was looked up
        self._failures = 0  # attempts to connect in vain since then
        self._attempts = Attempts()
        self._poller = None  # reports that the broker has sent something
        self._shared = None  # another select.poll that reports it, see watch()
        self._due_ms = 0  # when the client has to act, although nothing was received

    # --- for a Bridge: what it needs of such an object

    def open(self, client_id, will, subscriptions, on_message) -> None:
        """Set out to connect. Called once, before anything else.

        client_id       what the broker is to know it by, if the constructor was not told
        will            will() returns (topic, payload, retain): what the broker publishes with
                        QoS 1 when the connection is lost. It is called for each connection
        subscriptions   topics to be subscribed to in each session, with QoS 1
        on_message      on_message(topic, payload, is_retained) is called from poll() with each
                        message, its topic as text, its payload as bytes
        """
        self._on_message = on_message
        self._will = will
        if self.client_id is None:
            self.client_id = client_id
        self._client = client = MQTTClient(
            transport_factory=self._connect,
            client_id=self.client_id,
            keep_alive_seconds=self._keep_alive_s,
            ack_timeout_seconds=self._timeout_ms / 1000,
            username=self._user,
            password=self._password,
            rx_buffer_size=_RECEIVED_BYTES,
            when_disconnected="raise",
            max_tx_queue_size=_QUEUED,
            ticks=_Ticks,
        )
        client.on_connect = self._accepted
        client.on_message = self._received
        client.on_oversized = self._discarded
        for topic in subscriptions:
            client.subscribe(topic, 1)
        self._wait(self._attempts.wait_ms())

    def poll(self) -> int:
        """Go on with what can be done, without waiting. Returns 1 if that was anything."""
        client = self._client
        if client is None or not self._is_due():
            return 0
        if self._transport is None and self._network is not None and not self._network():
            self._attempts = Attempts()  # the next one is soon after there is a network again
            self._wait(self._attempts.wait_ms())
            return 0
        if client.state in (ProtocolState.DISCONNECTED, ProtocolState.FAILED):
            client.connect()
        transport = self._transport
        try:
            if self.connected and transport.is_sending():
                transport.go_on()
        except OSError:
            pass  # the client notices it, too
        client.handle(_Ticks.ticks_ms())
        if client.state == ProtocolState.FAILED:
            self._failed()
        else:
            self._plan()
        return 1

    def nap_ms(self) -> int:
        """Return for how many milliseconds poll() need not be called, unless something comes."""
        if self._client is None:
            return _LONGEST_NAP_MS
        return max(0, min(ticks_diff(self._due_ms, ticks_ms()), _LONGEST_NAP_MS))

    def watch(self, poller) -> None:
        """Use this select.poll from now on: it is to report what the broker sends."""
        self._shared = poller
        if self.connected:
            poller.register(self._transport.sock, _IN)

    def publish(self, topic: str, payload, qos: int = 0, retain: bool = False) -> bool:
        """Hand over a message. Returns False, and nothing else happens, if there is no room now.

        payload   text or bytes
        """
        if not self.connected or self._transport.is_sending():
            return False
        if qos and self.unacknowledged == _UNACKNOWLEDGED:
            return False
        try:
            if qos:
                self._client.publish(
                    topic, payload, qos=1, retain=retain, on_publish=self._acknowledged
                )
                self.unacknowledged += 1
            else:
                self._client.publish(topic, payload, retain=retain)
        except MQTTBackpressureError:
            return False
        self._due_ms = ticks_ms()
        return True

    def stream(self, topic: str, size: int, pieces, retain: bool = True) -> bool:
        """Hand over a message of `size` bytes, which the iterator `pieces` yields.

        Returns False, and nothing else happens, if there is no room now. Until it is sent there is
        no room for others.
        """
        if not self.connected or self._transport.is_sending():
            return False
        if self._client.io_interest(0) & _OUT:
            return False  # another message is not all out
        self._transport.begin(topic, size, pieces, retain)
        self._due_ms = ticks_ms()
        return True

    def close(self) -> None:
        """Hang up, so that the broker publishes the will."""
        if self._client is not None:
            self._hang_up()
            self._client = None

    # --- connections

    def _connect(self):
        """Return a new Transport. Raises OSError, of which the client keeps the text only."""
        wrap = self._wrap if self._tls else None
        self._refusal = None
        try:
            if self._address is None or self._failures >= _LOOK_UP_AGAIN:
                self._failures = 0
                self._address = resolve((self.host, self.port))
            self._transport = Transport(self._address, wrap, self._set_will)
        except OSError as error:
            self._refusal = error
            raise
        return self._transport

    def _set_will(self):
        """Tell the client the will, before it asks the broker to accept it."""
        topic, payload, retain = self._will()
        if isinstance(payload, str):
            payload = payload.encode()
        self._client.set_will(topic, payload, qos=1, retain=retain)

    def _wrap(self, sock):
        """Return the socket of TLS over this one; the handshake is made by what it is used for."""
        return self._tls.wrap_socket(
            sock, server_hostname=self.host, do_handshake_on_connect=False
        )

    def _accepted(self):
        """The broker has accepted the connection."""
        self.connected = True
        self.sessions += 1
        self._failures = 0
        self._attempts.accepted()
        self._poller = select.poll()
        self._poller.register(self._transport.sock, _IN)
        if self._shared is not None:
            self._shared.register(self._transport.sock, _IN)

    def _failed(self):
        """The connection is lost, or was not made: try again after a while."""
        if not self.connected:
            self._failures += 1
        self.error = self._describe(self._client.last_error)
        self._hang_up()
        self._attempts.failed()
        self._wait(self._attempts.wait_ms())

    def _hang_up(self):
        """Close the connection, if there is one."""
        if self.connected and self._shared is not None:
            self._shared.unregister(self._transport.sock)
        self.connected = False
        self.unacknowledged = 0
        self._poller = None
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def _describe(self, error):
        """Return why there is no connection."""
        text = "no connection to the broker %s:%d: " % (self.host, self.port)
        if isinstance(error, MQTTConnectError) and 1 <= error.return_code <= len(_REFUSALS):
            return text + _REFUSALS[error.return_code - 1]
        cause = self._refusal if self._transport is None else self._transport.last_error
        if isinstance(cause, OSError):
            return text + failure(cause.errno)
        return text + str(cause or error).strip()

    # --- when the client has to act

    def _wait(self, ms):
        self._due_ms = ticks_add(ticks_ms(), ms)

    def _is_due(self):
        """Return whether the client has to act: it is time, or something was received."""
        if ticks_diff(ticks_ms(), self._due_ms) >= 0:
            return True
        if self._poller is not None:
            for _ in self._poller.ipoll(0):
                return True
        return False

    def _plan(self):
        """Work out when the client has to act next."""
        self._attempts.keep_time()
        client = self._client
        transport = self._transport
        if not self.connected or transport.is_sending() or client.io_interest(0) & _OUT:
            self._wait(0 if transport.has_sent else _RETRY_MS)
            transport.has_sent = False
            return
        now_ms = _Ticks.ticks_ms()
        due_ms = client.next_deadline(now_ms)
        ms = _LONGEST_NAP_MS if due_ms is None else _Ticks.ticks_diff(due_ms, now_ms)
        self._wait(max(0, ms))

    # --- what the client calls

    def _received(self, topic, payload):
        is_retained = bool(self._transport.retained.pop(0))
        self._on_message(topic, payload, is_retained)

    def _discarded(self, _size, _topic):
        """A message was too long."""
        self._transport.retained.pop(0)

    def _acknowledged(self, _topic, _payload):
        self.unacknowledged -= 1
