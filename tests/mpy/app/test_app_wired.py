"""A network at a cable that is pulled and put back, on the boards that have one."""

from support.app import BOARDS, network, use

from app.defaults import defaults
from app.network.settings import is_wanted
from app.network.setup import join

WIRED = [(name, kind) for name in BOARDS for kind in ("lan", "w5500")]
said = []


def make(name, kind, **changes):
    """Return (interface, nic); None where the board has no such network."""
    board = use(name)
    said.clear()
    if not board.NETWORK or kind not in board.NETWORKS:
        return None
    settings = defaults(board)
    assert settings["network"] == kind, "a cable comes first"
    assert is_wanted(settings), "it needs no name of a network"
    settings.update(changes)
    return join(board, settings, said.append), network.wired


def each(**changes):
    made = 0
    for name, kind in WIRED:
        pair = make(name, kind, **changes)
        if pair is not None:
            made += 1
            yield pair
    assert made == 3


def test_a_cable_that_is_pulled_and_put_back():
    for interface, nic in each():
        for _ in range(100):
            interface.tick()
        assert (interface.address, said) == ("", [])
        for address in ("10.0.0.5", "10.0.0.5", "10.0.0.6"):
            said.clear()
            nic.address = address
            assert interface.tick() and interface.tick()
            assert interface.address == address
            assert said == ["Ethernet is up: Modbus TCP on {}:502".format(address)]
            nic.address = None
            assert not interface.tick() and not interface.tick()
            assert (interface.address, said[1:]) == ("", ["Ethernet is down"])
        assert nic.calls == ["active"]


def test_an_address_that_changes_is_told():
    for interface, nic in each():
        nic.address = "10.0.0.5"
        interface.tick()
        nic.address = "10.0.0.6"  # another lease
        interface.tick()
        assert said[1:] == ["Ethernet is up: Modbus TCP on 10.0.0.6:502"]


def test_names_and_fixed_addresses():
    """The name is there before it is active, the address when it is."""
    for _, nic in each(hostname="pump", address="192.168.1.9", gateway="192.168.1.1"):
        assert network.name == "pump"
        assert nic.fixed == ("192.168.1.9", "255.255.255.0", "192.168.1.1", "192.168.1.1")
        assert nic.calls == ["active", "ifconfig"]
