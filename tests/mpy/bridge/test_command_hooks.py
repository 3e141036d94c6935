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


def test_read_only():
    store = PointStore(Points([{"name": "setpoint", "address": 0, "writable": True}]))
    devices = [StoredDevice("io", store, True, lambda *_: None)]
    for read_only in (True, False):
        commands = Commands("umb/x", devices, read_only)
        commands.carry_out("umb/x/io/setpoint/set", b"5")
        assert len(commands.answers) == read_only
        assert store["setpoint"] == (0 if read_only else 5)
    assert not commands.answers


def test_a_hook_that_raises_when_it_is_read_ends_nothing():
    store = PointStore(Points([{"name": "first", "address": 0, "input_type": "input"}]))
    changed = []
    device = StoredDevice("io", store, True, lambda _, i: changed.append(i))

    def failing(*_):
        raise OSError(5)

    device.look(1)
    store.areas[4].on_read = failing
    store["first"] = 7
    device.look(1)
    assert changed == [0]
