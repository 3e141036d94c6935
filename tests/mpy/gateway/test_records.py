"""umb.records: what a page shows of the slaves and errors of a bus."""

from support.gateway import TIMEOUT_MS, Asker, bench  # comes first: by the clock of support.uart
from support.bus import Bus, answer
from support.heap import allocated
from support.pdu import request
from support.rtu import frame
from support.uart import clock

from umb.client.status import BAD_REPLY, NO_CONNECTION, NO_REPLY
from umb.records import BusRecord

READ = request(3, 100, 2)


def watched(*words, slaves=4, **options):
    """Return (bench, BusRecord of its line)."""
    one = bench(range(1, 240), *words, **options)
    record = BusRecord(slaves, lambda: clock.now_us() // 1_000_000)
    one.gateway.observe(0, record)
    return one, record


def shown(record):
    """Return {slave id: what is shown of the slave}, without names."""
    slaves = list(record.slaves())
    assert [slave["id"] for slave in slaves] == sorted(slave["id"] for slave in slaves)
    return {slave.pop("id"): slave for slave in slaves if slave.pop("name") == ""}


def test_slaves_that_answer_and_do_not():
    one, record = watched(bus=Bus(absent=(9,)))
    asker = Asker()
    for slave_id, pdu in ((7, READ), (9, READ), (7, READ), (3, request(65, 0, 0))):
        one.ask(asker, slave_id, pdu)
    slaves = shown(record)
    assert len(slaves) == 3
    for slave_id, counted in (
        (3, ("online", 1, 1, 0, 0, 1)),
        (7, ("online", 2, 2, 0, 0, 0)),
        (9, ("offline", 1, 0, 1, 0, 0)),
    ):
        keys = ("state", "requests", "answers", "timeouts", "wrong", "exceptions")
        assert tuple(slaves[slave_id][key] for key in keys) == counted, slave_id
    assert 0 <= slaves[7]["last_ms"] <= slaves[7]["worst_ms"] < TIMEOUT_MS
    assert "last_ms" not in slaves[9]  # it never answered
    newest, oldest = record.errors()
    assert (newest["who"], newest["asked"], newest["status"]) == ("slave 3", "FC 65", 1)
    assert (oldest["who"], oldest["asked"], oldest["status"]) == (
        "slave 9",
        "FC 3 at 100 x 2",
        NO_REPLY,
    )


def test_answers_that_come_again_make_a_slave_online():
    bus = Bus(absent=(9,))
    one, record = watched(bus=bus)
    one.ask(Asker(), 9, READ)
    assert shown(record)[9]["state"] == "offline"
    bus.absent = ()
    one.run(2000)
    one.ask(Asker(), 9, READ)
    slave = shown(record)[9]
    assert (slave["state"], slave["requests"], slave["answers"]) == ("online", 2, 1)


def test_slaves_that_answer_and_that_did():
    record = BusRecord(slaves=4)
    for slave_id, status in ((9, 0), (7, 2), (8, NO_REPLY), (3, 0), (3, NO_REPLY)):
        end(record, slave_id, status)
    assert record.online() == [7, 9]
    assert record.lost() == [3]  # and 8 was never there
    end(record, 3, BAD_REPLY)
    assert record.lost() == [3]
    end(record, 3, 0)
    assert record.online() == [3, 7, 9] and record.lost() == []


def test_wrong_answers_and_retries_count_each():
    def wrong(slave_id, pdu):
        data = frame(slave_id, answer(slave_id, pdu))
        return 500, data[:-1] + bytes((data[-1] ^ 1,))

    one, record = watched(bus=Bus(replies=wrong), retries=2)
    one.ask(Asker(), 2, READ)
    slave = shown(record)[2]
    assert (slave["requests"], slave["wrong"], slave["state"]) == (3, 3, "unknown")
    (error,) = record.errors()  # they are alike
    assert (error["times"], error["status"]) == (3, BAD_REPLY)


def test_broadcasts_are_no_slave():
    one, record = watched()
    one.ask(Asker(), 0, request(6, 1, 2))
    one.run(200)
    assert shown(record) == {} and list(record.errors()) == []


def end(record, slave_id, status, pdu=READ):
    """Have a request of a slave end with a status."""
    record.begun(slave_id, bytes(7) + pdu, len(pdu))
    record.ended(status)


def test_who_scans_all_ids_hides_no_slave_that_answers():
    record = BusRecord(slaves=4)
    end(record, 7, 0)
    for slave_id in range(1, 248):
        if slave_id != 7:
            end(record, slave_id, NO_REPLY)
    end(record, 240, 0)
    slaves = shown(record)
    assert len(slaves) == 4 and slaves[7]["answers"] == 1 and slaves[240]["answers"] == 1
    for slave_id in (240, 241, 242, 243, 244, 245):
        end(record, slave_id, 0)
    slaves = shown(record)
    assert len(slaves) == 4 and slaves[7]["answers"] == 1 and slaves[240]["answers"] == 2
    assert all(slave["state"] == "online" for slave in slaves.values())


def test_a_gateway_that_reaches_nobody():
    """Exceptions 10 and 11 come from a gateway behind this one: its slave is not there."""
    record = BusRecord(slaves=4)
    for slave_id, status in ((1, 10), (2, 11), (3, NO_CONNECTION), (4, 2)):
        end(record, slave_id, status)
    slaves = shown(record)
    states = [slaves[slave_id]["state"] for slave_id in (1, 2, 3, 4)]
    assert states == ["offline", "offline", "offline", "online"]


def test_the_last_eight_errors():
    now_s = [0]
    record = BusRecord(0, lambda: now_s[0])
    assert list(record.errors()) == []
    for address in range(20):
        now_s[0] = address
        end(record, 1, 2, request(3, address, 1))
    now_s[0] = 30
    errors = list(record.errors())
    assert [error["asked"] for error in errors] == [
        "FC 3 at %d x 1" % address for address in range(19, 11, -1)
    ]
    assert [error["age_s"] for error in errors] == list(range(11, 19))
    for _ in range(70_000):
        record.failed(2)
    assert next(record.errors())["times"] == 65535


def test_what_differs_is_another_error():
    record = BusRecord()
    end(record, 1, 2)
    for slave_id, status, pdu in (
        (2, 2, READ),
        (2, 3, READ),
        (2, 3, request(4, 100, 2)),
        (2, 3, request(4, 101, 2)),
    ):
        end(record, slave_id, status, pdu)
        end(record, slave_id, status, pdu)
    assert [error["times"] for error in record.errors()] == [2, 2, 2, 2, 1]


def test_requests_of_all_lengths_and_kinds():
    for n in range(1, 254):
        record = BusRecord()
        record.asked("10.0.0.1", bytes(7) + b"\x2b" + bytes(n - 1), n)
        record.failed(1)
        assert next(record.errors())["asked"] == "FC 43"
    for code, text in (
        (1, "FC 1 at 1 x 2"),
        (5, "FC 5 at 1"),
        (6, "FC 6 at 1"),
        (16, "FC 16 at 1 x 2"),
        (22, "FC 22 at 1"),
        (23, "FC 23 at 1 x 2"),
        # What these have there is no address:
        (7, "FC 7"),
        (8, "FC 8"),
        (20, "FC 20"),
        (65, "FC 65"),
    ):
        record = BusRecord()
        record.asked("10.0.0.1", bytes(7) + request(code, 1, 2), 5)
        record.failed(1)
        (error,) = record.errors()
        assert error["asked"] == text and error["who"] == "10.0.0.1"
    record.heard_wrong(12)
    error = next(record.errors())
    assert error["times"] == 12 and "who" not in error and "asked" not in error


def test_a_slave_in_the_place_of_another_one_begins_anew():
    """The count of answers has wrapped: the slave seems to have given none."""
    record = BusRecord(slaves=1)
    end(record, 1, 0)
    record._counts[1] = 65_535
    record._longest_ms[0] = 900
    end(record, 1, 0)
    end(record, 1, NO_REPLY)
    end(record, 2, 0)
    assert shown(record)[2]["worst_ms"] < 900


def test_noting_takes_no_memory():
    record = BusRecord(slaves=2)
    adu = bytes(7) + READ
    statuses = (0, 2, NO_REPLY, BAD_REPLY, 11)

    def work(_):
        for slave_id in range(5):
            for status in statuses:
                record.begun(slave_id, adu, 5)
                record.ended(status)
        record.heard_wrong(3)

    work(None)
    assert allocated(work, None) == 0
