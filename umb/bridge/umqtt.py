"""SimpleMQTT: umqtt.simple of micropython-lib, with the methods that a Bridge needs.

It is small, and part of much firmware. But it waits for the broker: for ever where that is silent,
and whatever else is in its loop waits as well. It is for a program whose buses do not need that
loop, such as a slave in the background.
"""

import select
from errno import ETIMEDOUT
from time import ticks_diff, ticks_ms

from micropython import const
from umqtt.simple import MQTTClient

from ..port.errnos import failure
from .attempts import Attempts

_IN = const(1)  # select.POLLIN
_MESSAGE = const(0x30)  # the type of a packet that is a message
_PACKET_TYPE = const(0xF0)
_RETAINED = const(1)
_LONGEST_NAP_MS = const(500)
_KEEP_ALIVE_S = const(30)
_PING_MS = const(10_000)


class _Client(MQTTClient):
    """The client, which also tells whether a message was retained."""

    def wait_msg(self):
        operation = super().wait_msg()
        if operation is not None and operation & _PACKET_TYPE == _MESSAGE:
            self.on_message(operation & _RETAINED != 0)
        return operation


class SimpleMQTT:
    """A connection to the broker at `host`, see umb.bridge.mqtt.MQTT.

    context   an ssl.SSLContext, None: without TLS
    """

    def __init__(self, host, *, port=None, user=None, password=None, context=None, client_id=None):
        self.connected = False
        self.sessions = 0
        self.unacknowledged = 0  # publish() waits until the broker has acknowledged
        self.error = ""
        self._client = _Client(
            client_id, host, port or 0, user, password, _KEEP_ALIVE_S, ssl=context
        )
        self._attempts = Attempts()
        self._subscriptions = ()
        self._on_message = None
        self._will = None
        self._poller = None
        self._shared = None
        self._message = None  # the one that was received last: topic and payload
        self._pinged_ms = 0
        self._heard_ms = 0

    def open(self, client_id, will, subscriptions, on_message) -> None:
        """See MQTT.open()."""
        client = self._client
        client.client_id = client.client_id or client_id
        client.set_callback(self._keep)
        client.on_message = self._deliver
        self._subscriptions = subscriptions
        self._on_message = on_message
        self._will = will

    def poll(self) -> int:
        """See MQTT.poll(); this waits for the broker."""
        if not self.connected:
            if self._on_message is None or self._attempts.wait_ms():
                return 0
            self._try(self._connect)
            return 1
        return 1 if self._try(self._receive) else 0

    def nap_ms(self) -> int:
        """See MQTT.nap_ms()."""
        if self.connected:
            return _LONGEST_NAP_MS
        return min(self._attempts.wait_ms(), _LONGEST_NAP_MS)

    def watch(self, poller) -> None:
        """See MQTT.watch()."""
        self._shared = poller
        if self.connected:
            poller.register(self._client.sock, _IN)

    def publish(self, topic, payload, qos=0, retain=False) -> bool:
        """See MQTT.publish()."""
        if not self.connected:
            return False
        return self._try(lambda: self._client.publish(topic, payload, retain, qos) or True)

    def stream(self, topic, _size, pieces, retain=True) -> bool:
        """See MQTT.stream(); the message is in memory as a whole."""
        return self.publish(topic, b"".join(pieces), 0, retain)

    def close(self) -> None:
        """See MQTT.close()."""
        self._hang_up()
        self._on_message = None

    def _try(self, action):
        """Return what action() returns; False if the connection is lost."""
        try:
            return action()
        except Exception as error:  # noqa: BLE001 - the client raises what the peer's bytes lead to
            number = error.errno if isinstance(error, OSError) else None
            text = repr(error) if number is None else failure(number)
            client = self._client
            self.error = "no connection to the broker %s:%d: %s" % (
                client.server,
                client.port,
                text,
            )
            self._hang_up()
            self._attempts.failed()
            return False

    def _connect(self):
        client = self._client
        topic, payload, retain = self._will()
        client.set_last_will(topic, payload, retain=retain, qos=1)
        client.connect()
        for topic in self._subscriptions:
            client.subscribe(topic, 1)
        self._poller = select.poll()
        self._poller.register(client.sock, _IN)
        if self._shared is not None:
            self._shared.register(client.sock, _IN)
        self._attempts.accepted()
        self.sessions += 1
        self.connected = True
        self._pinged_ms = self._heard_ms = ticks_ms()

    def _receive(self):
        """Receive one packet if there is one. Returns whether there was."""
        now_ms = ticks_ms()
        self._attempts.keep_time()
        if ticks_diff(now_ms, self._pinged_ms) >= _PING_MS:
            self._pinged_ms = now_ms
            self._client.ping()
        if ticks_diff(now_ms, self._heard_ms) >= _KEEP_ALIVE_S * 1000:
            raise OSError(ETIMEDOUT)
        for _ in self._poller.ipoll(0):
            self._heard_ms = now_ms
            self._client.check_msg()
            return True
        return False

    def _keep(self, topic, payload):
        self._message = (topic.decode(), payload)

    def _deliver(self, is_retained):
        topic, payload = self._message
        self._on_message(topic, payload, is_retained)

    def _hang_up(self):
        if self._client.sock is not None:
            if self.connected and self._shared is not None:
                self._shared.unregister(self._client.sock)
            self._client.sock.close()
            self._client.sock = None
        self.connected = False
        self._poller = None
