"""A broker in memory, as umb.bridge.Bridge meets one: with the methods of umb.bridge.mqtt.MQTT."""

from time import ticks_add

from umb.bridge import Bridge


class Broker:
    """Keeps what is published in `messages`, as (topic, text, qos, retain), and in `retained`.

    room   how many messages it takes before it takes no more; None: any number
    acks   whether it acknowledges at once
    """

    def __init__(self):
        self.connected = False
        self.sessions = 0
        self.unacknowledged = 0
        self.error = ""
        self.messages = []
        self.retained = {}
        self.room = None
        self.acks = True
        self.closed = False
        self.is_logging = True

    # --- for the Bridge

    def open(self, client_id, will, subscriptions, on_message):
        self.client_id = client_id
        self._will = will
        self.will = None
        self.subscriptions = subscriptions
        self._on_message = on_message

    def poll(self):
        return 0

    def nap_ms(self):
        return 400

    def watch(self, poller):
        self.poller = poller

    def close(self):
        self.closed = True
        self.lose()

    def publish(self, topic, payload, qos=0, retain=False):
        if not self.connected or self.room == 0:
            return False
        if self.room is not None:
            self.room -= 1
        if qos and not self.acks:
            self.unacknowledged += 1
        if self.is_logging:
            self._keep(topic, payload, qos, retain)
        return True

    def stream(self, topic, size, pieces, retain=True):
        if not self.connected or self.room == 0:
            return False
        payload = b"".join(pieces)
        assert len(payload) == size, "{} bytes were announced, {} came".format(size, len(payload))
        return self.publish(topic, payload, 0, retain)

    # --- for the tests

    def _keep(self, topic, payload, qos, retain):
        text = payload
        if isinstance(payload, bytes) and not topic.startswith("spBv1.0/"):
            text = payload.decode()
        self.messages.append((topic, text, qos, retain))
        if retain:
            self.retained[topic] = text

    def accept(self):
        """Accept the board; the broker knows nothing, as one that has no disk."""
        self.will = self._will()
        self.connected = True
        self.sessions += 1
        self.retained.clear()
        self.messages.clear()

    def lose(self, error="gone"):
        """Lose the connection: the will is published."""
        if self.connected:
            self._keep(self.will[0], self.will[1], 1, self.will[2])
        self.connected = False
        self.unacknowledged = 0
        self.error = error

    def send(self, topic, payload, is_retained=False):
        """Send a message to the board."""
        data = payload if isinstance(payload, bytes) else payload.encode()
        self._on_message(topic, data, is_retained)

    def taken(self):
        """Return [(topic, text)] of the messages since it was called last."""
        found = [message[:2] for message in self.messages]
        self.messages.clear()
        return found


def stepped(kind):
    """Return a class as this one, an Uplink, whose time passes when a test says so."""

    class Stepped(kind):
        passed_ms = 0

        def now_ms(self):
            return ticks_add(self.passed_ms, 0)

        def settle(self):
            """Poll as long as there is something to be done at once."""
            self.poll()
            while self.nap_ms() == 0:
                self.poll()

        def run(self, ms, step_ms=10):
            """Let so much time pass, and do what is to be done."""
            self.settle()
            for _ in range(0, ms, step_ms):
                self.passed_ms = ticks_add(self.passed_ms, step_ms)
                self.settle()

    return Stepped


SteppedBridge = stepped(Bridge)
