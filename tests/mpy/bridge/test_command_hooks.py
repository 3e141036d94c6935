"""Commands for a store whose hooks raise exceptions: they are told, and the bridge goes on."""

from umb.bridge.commands import Commands
from umb.bridge.devices import StoredDevice
from umb.errors import ServerDeviceBusyError
from umb.points import Points, PointStore


def test_whatever_a_hook_raises_is_answered():
    for error in (
        OSError(5),
        KeyError("pin"),
        TypeError("it takes 2 arguments"),
        ZeroDivisionError(),
        MemoryError(),
        ServerDeviceBusyError(),
        ValueError("too hot"),
    ):

        def failing(*_, error=error):
            raise error

        store = PointStore(Points([{"name": "setpoint", "address": 0, "writable": True}]))
        for block in (store.areas[6], store.areas[3]):
            block.on_write = failing
        commands = Commands("umb/x", [StoredDevice("io", store, True, lambda *_: None)])
        commands.carry_out("umb/x/io/setpoint/set", b"5")
        topic, text = commands.answers[0]
        assert topic == "umb/x/io/setpoint/error" and text, error
