"""What clients are given of the wrong kind: one sentence says what is wanted, nothing is sent."""

from array import array

from support.bus import answer  # comes first: by the clock of support.uart

from support.client_core import Scripted

from umb.client.request import Request

# Every call, and right arguments for it.
_CALLS = {
    "read_coils": {"slave_id": 1, "starting_address": 0, "quantity": 2, "into": [0, 0]},
    "read_discrete_inputs": {"slave_id": 1, "starting_address": 0, "quantity": 2, "into": [0, 0]},
    "read_holding_registers": {
        "slave_id": 1,
        "starting_address": 0,
        "quantity": 2,
        "into": [0] * 2,
    },
    "read_input_registers": {"slave_id": 1, "starting_address": 0, "quantity": 2, "into": [0] * 2},
    "write_single_coil": {"slave_id": 1, "address": 0, "value": 1},
    "write_single_register": {"slave_id": 1, "address": 0, "value": 1},
    "write_multiple_coils": {"slave_id": 1, "starting_address": 0, "values": [1]},
    "write_multiple_registers": {"slave_id": 1, "starting_address": 0, "values": [1]},
    "mask_write_register": {"slave_id": 1, "address": 0, "and_mask": 1, "or_mask": 1},
    "read_write_multiple_registers": {
        "slave_id": 1,
        "read_address": 0,
        "quantity": 2,
        "write_address": 0,
        "values": [1],
        "into": [0, 0],
    },
    "read_exception_status": {"slave_id": 1},
    "diagnostics": {"slave_id": 1, "sub_function": 0, "data": 0},
    "get_comm_event_counter": {"slave_id": 1},
    "get_comm_event_log": {"slave_id": 1},
    "report_server_id": {"slave_id": 1},
    "read_file_record": {"slave_id": 1, "records": [(4, 1, 2)]},
    "write_file_record": {"slave_id": 1, "records": [(4, 1, [7])]},
    "read_fifo_queue": {"slave_id": 1, "address": 0},
    "read_device_identification": {"slave_id": 1, "code": 1, "object_id": 0},
    "request": {"slave_id": 1, "pdu": b"A"},
}


class Empty:
    """An object that can do nothing."""


def wrong_kinds():
    """Values that are of no use to any parameter, but for those noted in _TAKEN."""
    return (
        None,
        1.0,
        -1,
        1 << 20,
        1 << 80,
        "",
        "ab",
        b"",
        b"\1\1",
        [],
        [None, None],
        ["a", "b"],
        [1.0, 2.0],
        [-40000, 1],
        [[1], [2]],
        (),
        {},
        {0: 1, 1: 0},
        {1, 2},
        range(0),
        range(2),
        (x for x in (1, 0)),
        Empty(),
        Empty,
        len,
        1j,
        array("f", [1.0, 2.0]),
        array("H", [5, 5]),
        bytearray(2),
        memoryview(bytes(2)),
    )


# What the words of MicroPython's own exceptions have in common.
_BARE = ("object of", "object isn't", "subscr", "convert", "unsupported", "attribute")


def check_sentence(client, error, where):
    """Check that this is a sentence of umb's, and that nothing was sent."""
    assert client.asked == [], ("something was sent", where)
    text = str(error)
    assert len(text) > 15 and " " in text, (where, text)
    for word in _BARE:
        assert word not in text or "<" in text, (where, text)


def test_every_parameter_of_every_call():
    """It is taken, or refused with a sentence that names what must be given."""
    refused = 0
    for name, right in _CALLS.items():
        for parameter in right:
            for i in range(len(wrong_kinds())):
                wrong = wrong_kinds()[i]
                client = Scripted(answer)
                named = dict(right)
                named[parameter] = wrong
                try:
                    getattr(client, name)(**named)
                except (ValueError, TypeError) as error:
                    check_sentence(client, error, (name, parameter, wrong))
                    refused += 1
                except Exception as error:  # noqa: BLE001 - whatever it is, it must be a reply's
                    assert client.asked, (name, parameter, wrong, error)
    assert refused > 1000, refused


def test_a_record_of_any_wrong_kind():
    for name in ("read_file_record", "write_file_record"):
        for wrong in wrong_kinds():
            for record in (wrong, (wrong, 1, [1]), (4, wrong, [1]), (4, 1, wrong), (4, 1)):
                client = Scripted(answer)
                try:
                    getattr(client, name)(1, [record])
                except (ValueError, TypeError) as error:
                    check_sentence(client, error, (name, record))
                except Exception as error:  # noqa: BLE001
                    assert client.asked, (name, record, error)


class Growing:
    """A sequence that an interrupt lengthens, as soon as its length has been asked for `calls`."""

    def __init__(self, calls):
        self.calls = calls

    def __len__(self):
        self.calls -= 1
        return 3 if self.calls >= 0 else 5000

    def __getitem__(self, i):
        if i >= 5000:
            raise IndexError
        return 1


def test_a_list_that_grows_meanwhile():
    """As many values are sent as were counted and checked, or none: never more than fit."""
    for code in (15, 16, 23):
        for calls in range(6):
            request = Request()
            request.function_code = code
            request.slave_id = 1
            request.quantity = 1
            request.values = Growing(calls)
            adu = bytearray(262 + 64)
            try:
                n = request.put(adu)
            except ValueError:
                n = None
            size = {15: 7, 16: 12, 23: 16}[code]
            assert n in (None, size), (code, calls, n)
            assert adu[7 + size :] == bytes(len(adu) - 7 - size), (code, calls)
