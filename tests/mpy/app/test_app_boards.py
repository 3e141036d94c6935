"""The application on every board, with its pins, UART and radio played."""

import sys

import support.app
from support.app import BOARDS, Restart, chip, clock, network, use
from support.rtu import frame

from app import application as application_module
from app import config, loading
from app import main as main_module
from app import start as start_module
from app.check import Checked
from app.defaults import defaults
from app.panel import part as page_module

# So much has to be free before the page is loaded: from compiled files, and where it is frozen.
FREE_FOR_PAGE, FREE_FOR_FROZEN_PAGE = 104 * 1024, 20 * 1024
saved = []
said = []


def load(board, raw=None):
    """Let there be a file with this in it; board: whose settings they are."""
    assert board is not None
    loading.read = lambda _: raw or {}
    config.write = saved.append
    saved.clear()


def play_os():
    """Put a System in the place of os, for main and what it starts with."""
    system = main_module.os = start_module.os = support.app.System()
    return system


def start(name, **raw):
    """Start the application on a board; returns (board, drivers, application)."""
    board = use(name)
    load(board, raw)
    said.clear()
    play_os()
    main_module.say = said.append
    application = main_module.start(board)
    return board, application.drivers, application


def stop(drivers, application):
    application.keeper.close()
    for driver in drivers:
        driver.server_close()
    chip.uart_refuses = chip.pwm_refuses = ()


def ask(drivers, request, expect):
    """Send a request down the first UART, poll, and check the reply."""
    uart = chip.uarts[0]
    uart.sent.clear()
    end_us = uart.hear(clock.now_us() + 10, request)
    line = next(driver for driver in drivers if driver.serial)
    deadline_ns = end_us * 1000 + 500_000_000
    while clock.now_ns < deadline_ns:
        if line.poll():
            break
    reply = bytes(uart.sent.values[i] for i in range(uart.sent.n))
    assert reply == expect, reply


def wired_by_default(board):
    return board.NETWORK and board.NETWORKS[0] != "wifi"


def each(test):
    for name in BOARDS:
        try:
            test(name)
        except Exception:
            print("on", name)
            raise


def test_defaults_are_possible():
    def check(name):
        board = use(name)
        checked = Checked({}, board)
        assert checked.problems == []
        assert checked.settings == defaults(board)
        for points in ("outputs", "inputs", "analogues"):
            pins = [point and point["pin"] for point in checked.settings[points]]
            assert tuple(pins) == tuple(getattr(board, points.upper())) and pins, points
        assert len(board.OUTPUTS) <= 32
        assert (checked.settings["led"] is None) == (board.LED is None)

    each(check)


def test_each_board_answers_and_its_pins_follow():
    def check(name):
        board, drivers, application = start(name)
        assert chip.uarts[0].what == (board.UART, 19200, 0, 1, board.TX, board.RX)
        n = len(board.OUTPUTS)
        first = board.OUTPUTS[0]
        assert chip.pins[first].drives() == 0
        ask(drivers, frame(1, b"\x05\x00\x00\xff\x00"), frame(1, b"\x05\x00\x00\xff\x00"))
        assert [chip.pins[pin].drives() for pin in board.OUTPUTS] == [1] + [0] * (n - 1)
        if board.DE is not None:
            direction = chip.pins[board.DE].trace
            assert [direction.values[i] for i in range(direction.n)][-2:] == [1, 0]
        chip.pins[board.INPUTS[0]].outside = 0
        ask(drivers, frame(1, b"\x02\x00\x00\x00\x01"), frame(1, b"\x02\x01\x00"))
        chip.pins[board.INPUTS[0]].outside = 1
        ask(drivers, frame(1, b"\x02\x00\x00\x00\x01"), frame(1, b"\x02\x01\x01"))
        chip.measured[chip.adc_pins[board.ANALOGUE_PINS.index(board.ANALOGUES[0])]] = 0x1234
        ask(drivers, frame(1, b"\x04\x00\x00\x00\x01"), frame(1, b"\x04\x02\x12\x34"))
        ask(drivers, frame(1, b"\x04\x00\x74\x00\x01"), frame(1, b"\x04\x02\x00\x03"))
        state = 2 if wired_by_default(board) else 0
        ask(
            drivers, frame(1, b"\x04\x00\x6e\x00\x01"), frame(1, b"\x04\x02\x00" + bytes((state,)))
        )
        assert saved == []
        stop(drivers, application)
        assert chip.pins[first].drives() == 0

    each(check)


def test_inputs_have_pull_ups_and_outputs_begin_safe():
    board, drivers, application = start(
        "RPI_PICO", outputs=[3, {"pin": 4, "safe": 1, "invert": True}]
    )
    assert all(chip.pins[pin].pull == chip.Pin.PULL_UP for pin in board.INPUTS)
    assert chip.pins[3].trace.n == 1  # not a glitch
    assert chip.pins[3].drives() == 0
    assert chip.pins[4].drives() == 0
    stop(drivers, application)


def test_what_the_hardware_refuses_is_told_and_left_out():
    chip.pwm_refuses = (4,)
    _, drivers, application = start(
        "ESP8266_GENERIC", pwms=[4, 12], outputs=[14], inputs=[{"pin": 0, "pull": "down"}]
    )
    told = [text for text in said if "pwms[0]" in text]
    assert told == ["/umb.json: pwms[0]: the pin 4: no PWM there"]
    ask(drivers, frame(1, b"\x06\x00\x20\x00\x05"), frame(1, b"\x06\x00\x20\x00\x05"))
    ask(drivers, frame(1, b"\x06\x00\x21\x00\x05"), frame(1, b"\x06\x00\x21\x00\x05"))
    assert chip.pwms[12].duties == [0, 5]
    assert 4 not in chip.pwms
    stop(drivers, application)


def test_a_line_that_cannot_be_had_is_the_boards_own():
    chip.uart_refuses = (4,)
    _, drivers, application = start("RPI_PICO", tx=4, rx=5, uart=1, slave_id=5)
    assert chip.uarts[0].what == (0, 19200, 0, 1, 0, 1)
    assert [text for text in said if "bad TX pin" in text]
    ask(drivers, frame(5, b"\x04\x00\x6e\x00\x01"), frame(5, b"\x04\x02\x00\x04"))  # it is told
    stop(drivers, application)


def test_wifi_boards_serve_both():
    _, drivers, application = start(
        "RPI_PICO_W", ssid="net", password="wpa2 secret", tcp_port=15099
    )
    assert network.wlan.calls == ["active", "config", ("net", "wpa2 secret")]
    kinds = [type(driver).__name__ for driver in drivers]
    assert kinds == ["RTUServer", "TCPServer"]
    assert drivers[1].idle_timeout_ms == 600_000
    ask(drivers, frame(1, b"\x04\x00\x6e\x00\x01"), frame(1, b"\x04\x02\x00\x02"))
    network.wlan.address = "192.168.7.20"
    clock.sleep_ms(1100)
    application.keeper.update()
    assert "WiFi is up: Modbus TCP on 192.168.7.20:15099" in said
    ask(drivers, frame(1, b"\x04\x00\x6e\x00\x01"), frame(1, b"\x04\x02\x00\x00"))
    ask(drivers, frame(1, b"\x04\x00\x72\x00\x02"), frame(1, b"\x04\x04\xc0\xa8\x07\x14"))
    stop(drivers, application)


def test_every_network_of_every_board():
    """The settings name it; `none` is one, too. Its address is in the registers."""

    def check(name):
        board = use(name)
        for kind in board.NETWORKS + ("none",) if board.NETWORK else ():
            raw = {"network": kind, "tcp_port": 15099, "hostname": "pump"}
            if kind == "wifi":
                raw["ssid"] = "net"
            _, drivers, application = start(name, **raw)
            kinds = [type(driver).__name__ for driver in drivers]
            assert kinds == ["RTUServer", "TCPServer"][: 1 if kind == "none" else 2]
            nic = network.wlan if kind == "wifi" else network.wired
            if kind != "none":
                assert network.name == "pump"
                nic.address = "192.168.7.20"
                clock.sleep_ms(1100)
                application.keeper.update()
                address = frame(1, b"\x04\x04\xc0\xa8\x07\x14")
                ask(drivers, frame(1, b"\x04\x00\x72\x00\x02"), address)
            else:
                assert nic is None and network.wlan is None
            if kind == "lan":
                expected = dict(board.LAN, phy_type=network.PHY_LAN8720)
                expected["ref_clk_mode"] = getattr(chip.Pin, board.LAN["ref_clk_mode"])
                assert network.options == expected
                assert all(board.LAN[key] in board.TAKEN for key in ("mdc", "mdio", "power"))
            stop(drivers, application)

    each(check)


def test_a_network_that_cannot_be_had():
    """The serial line is served, and the registers say that there is a problem."""

    def refuse():
        raise OSError("no W5500")

    network.WIZNET5K = refuse
    _, drivers, application = start("W5500_EVB_PICO")
    del network.WIZNET5K
    assert "/umb.json: network: no W5500" in said
    ask(drivers, frame(1, b"\x04\x00\x6e\x00\x01"), frame(1, b"\x04\x02\x00\x04"))
    stop(drivers, application)


def test_without_ssid_no_radio():
    _, drivers, application = start("ESP32_GENERIC")
    assert network.wlan is None
    assert len(drivers) == 1
    stop(drivers, application)


def test_a_page_or_a_broker_without_a_network_is_a_problem():
    """It is told at the start, and the board is a slave on its line all the same."""
    _, drivers, application = start("ESP32_GENERIC", panel={"port": 80}, mqtt={"host": "10.0.0.1"})
    for name in ("panel", "mqtt"):
        text = "/umb.json: %s: it needs a network, and there is none: see ssid and network"
        assert text % name in said
    assert len(drivers) == len(application.parts) == 1
    ask(drivers, frame(1, b"\x04\x00\x6e\x00\x01"), frame(1, b"\x04\x02\x00\x04"))
    stop(drivers, application)


def test_without_a_line():
    _, drivers, application = start("ESP32_GENERIC", rtu=False)
    assert chip.uarts == []
    assert drivers == []
    assert "neither the serial line nor a network is served" in said
    stop(drivers, application)


def run_main(name, serve=None, **raw):
    """main() of a board, with `serve` in the place of umb's; returns the dupterm calls."""
    board = use(name)
    load(board, raw)
    said.clear()
    system = play_os()
    main_module.say = said.append
    application_module.serve = serve or (lambda *_, **__: None)
    try:
        main_module.main()
        raise AssertionError("it ended")
    except Restart:
        pass
    return system.calls


def test_esp8266_takes_the_line_after_three_seconds():
    calls = run_main("ESP8266_GENERIC")
    assert [(stream, index) for stream, index, _ in calls] == [(None, 1)]
    assert 3000 <= calls[0][2] < 3200
    assert "that is this line: Ctrl-C within 3 s keeps the REPL" in said
    assert chip.uarts[0].what == (0, 19200, 0, 1, 15, 13)


def test_esp8266_keeps_its_repl_when_somebody_is_there():
    board = use("ESP8266_GENERIC")
    load(board)
    system = play_os()

    def interrupted(_):
        raise KeyboardInterrupt

    sleep_ms, clock.sleep_ms = clock.sleep_ms, interrupted
    try:
        main_module.main()
    finally:
        clock.sleep_ms = sleep_ms
    assert system.calls == []
    assert chip.uarts == []


def test_other_boards_keep_their_repl():
    assert run_main("RPI_PICO") == []


def test_without_a_line_and_a_network_its_keeper_goes_on():
    """It waits for Ctrl-C, and the watchdog is fed meanwhile."""
    use("RPI_PICO")
    load(use("RPI_PICO"), {"rtu": False, "watchdog_s": 8})
    fed_ms = []

    def sleep_ms(n):
        fed_ms.append(chip.fed_ms)
        if len(fed_ms) == 5:
            raise KeyboardInterrupt
        clock.now_ns += n * 1_000_000

    application_module.sleep_ms = sleep_ms
    said.clear()
    main_module.main()
    assert fed_ms[-1] - fed_ms[0] == 200
    assert said[-1] == "stopped; a reset starts it again"


def test_a_crash_is_told_and_the_board_started_anew():
    def crash(*_, **__):
        chip.pins[4](1)
        raise RuntimeError("of some kind")

    calls = run_main("ESP8266_GENERIC", crash, outputs=[4])
    assert said[-1] == "starting again in 5 s"
    assert chip.pins[4].drives() == 0
    assert clock.ticks_ms() >= 8000
    given = calls[-1][0]
    assert given.what[:2] == (0, 115200) and calls[-1][1] == 1


def test_ctrl_c_leaves_the_board_in_the_repl():
    use("RPI_PICO")

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    load(use("RPI_PICO"))
    application_module.serve = interrupted
    main_module.main()
    assert said[-1] == "stopped; a reset starts it again"


def test_too_little_memory_is_one_line():
    def exhausted(*_, **__):
        raise MemoryError("memory allocation failed, allocating 1000 bytes")

    run_main("ESP32_GENERIC", exhausted)
    assert said[-3] == "there is too little memory for all that the settings ask for:"
    assert said[-1] == "starting again in 5 s"


class Memory:
    """Stands for gc, on a board with so much memory free."""

    def __init__(self, free_bytes):
        self.mem_free = lambda: free_bytes

    def collect(self):
        pass


def start_with_page(free_bytes, file):
    """Start a gateway with the page on a Pico W; `file` is where its code comes from."""
    page_module.gc = Memory(free_bytes)
    page_module.__file__ = file
    _, drivers, application = start(
        "RPI_PICO_W",
        role="gateway",
        ssid="plant",
        password="water tower",
        panel={"port": 80},
        tcp_port=15099,
    )
    stop(drivers, application)
    return [type(driver).__name__ for driver in drivers]


def test_without_memory_for_the_page_the_gateway_is_served_without():
    for file, needed in (
        ("/lib/app/panel/part.mpy", FREE_FOR_PAGE),
        ("app/panel/part.py", FREE_FOR_FROZEN_PAGE),  # it is frozen
    ):
        assert "TCPServer" in start_with_page(needed - 1, file)
        assert (
            said[-2]
            == "problem: panel: too little memory: freeze the application into the firmware"
        )
        assert said[-1] == "serving; Ctrl-C ends it"
        start_with_page(needed, file)  # it tries to load it, which is not there
        assert said[-2] == "problem: panel: the library microdot is not installed"
    assert "umb.panel" not in sys.modules
