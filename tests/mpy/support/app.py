"""Boards for the remote-I/O application: their pins and chips, their radio, and a clock.

Import this before anything of umb or of the application. `use(name)` puts a board in place.
"""

import sys

from support.uart import UART, Pin, clock

sys.path.insert(0, "boards")

_CHANNELS = {"temperature": 4, "A0": 0}  # of those that are no GPIO


class Restart(Exception):
    """The board was reset: in its place whatever called machine.reset() ends."""


class _Pin(Pin):
    """machine.Pin, kept by its number; `level` from outside is what an input reads."""

    PULL_UP = 1

    def __init__(self, number, mode=Pin.IN, pull=None, value=None):
        if number not in chip.board.PINS and number not in chip.board.TAKEN:
            raise ValueError("invalid pin")
        super().__init__(number, mode, value)
        self.pull = pull
        self.outside = 1 if pull == self.PULL_UP else 0
        chip.pins[number] = self

    def __call__(self, level=None):
        if level is None:
            return self.outside
        return super().__call__(level)

    def drives(self):
        """The level it drives."""
        return self.level() if self.mode == self.OUT else None


class _Signal:
    def __init__(self, pin, invert):
        self._pin, self._invert = pin, invert

    def __call__(self, level=None):
        if level is None:
            return self._pin() ^ self._invert
        return self._pin(level ^ self._invert)


class _ADC:
    def __init__(self, pin):
        number = getattr(pin, "number", pin)
        if chip.port == "esp32" and isinstance(pin, int):
            raise TypeError("a Pin is wanted")
        if number not in chip.adc_pins:
            raise ValueError("no ADC there")
        self._number = number

    def read_u16(self):
        return chip.measured.get(self._number, 0)


class _ESP32ADC(_ADC):
    ATTN_11DB = 3

    def __init__(self, pin, atten=0):
        super().__init__(pin)
        assert atten == self.ATTN_11DB, "it would end at 1 V"


class _RP2ADC(_ADC):
    CORE_TEMP = 4


class _PWM:
    def __init__(self, pin, freq, duty_u16):
        if pin.number in chip.pwm_refuses:
            raise ValueError("no PWM there")
        self.freq = freq
        self.duties = [duty_u16]
        chip.pwms[pin.number] = self

    def duty_u16(self, duty):
        self.duties.append(duty)


class _WDT:
    def __init__(self, timeout=5000):
        if chip.port == "esp8266" and timeout != 5000:
            raise ValueError
        chip.watchdog_ms = timeout

    def feed(self):
        chip.fed_ms = clock.ticks_ms()


class Chip:
    """Stands for the module machine."""

    Pin, Signal, PWM, WDT = _Pin, _Signal, _PWM, _WDT
    PWRON_RESET, WDT_RESET = 1, 3

    def __init__(self):
        # `from machine import UART` finds no methods of an instance in MicroPython before 1.27.
        self.UART = self.open_uart
        self.uart_refuses = self.pwm_refuses = ()  # pins that cannot have these

    def use(self, board, port):
        self.board, self.port = board, port
        self.ADC = {"rp2": _RP2ADC, "esp32": _ESP32ADC, "esp8266": _ADC}[port]
        self.adc_pins = tuple(_CHANNELS.get(pin, pin) for pin in board.ANALOGUE_PINS)
        self.pins, self.pwms, self.measured, self.uarts = {}, {}, {}, []
        self.watchdog_ms = self.fed_ms = None
        self.cause = 3

    def open_uart(self, number, baudrate, bits=8, parity=None, stop=1, tx=None, rx=None, **named):
        if tx in self.uart_refuses:
            raise ValueError("bad TX pin")
        uart = UART(baudrate, bits, parity, stop)
        uart.what = (number, baudrate, parity, stop, tx, rx)
        self.uarts.append(uart)
        return uart

    def reset_cause(self):
        return self.cause

    def reset(self):
        raise Restart


class _Nic:
    """A network interface; `calls` are those of its methods, `address` is there if connected."""

    def __init__(self):
        self.calls = []
        self.address = None  # while connected
        self.fixed = None
        self.is_active = False

    def active(self, *on):
        if on:
            self.calls.append("active" if on[0] else "inactive")
            self.is_active = on[0]
        return self.is_active

    def isconnected(self):
        return self.address is not None

    def ifconfig(self, fixed=None):
        if fixed:
            assert len(fixed) == 4
            self.calls.append("ifconfig")
            self.fixed = fixed
        return (self.address, "255.255.255.0", "", "")


class _Station(_Nic):
    def __init__(self):
        super().__init__()
        self.busy = False  # esp32 refuses to connect while it does
        self.state = 1  # it connects

    def config(self, *asked, **named):
        if asked:
            assert asked == ("mac",)
            return b"\x02\x00\x00\xa1\x0b\xc2"
        self.calls.append("config")
        return None

    def status(self):
        return self.state

    def disconnect(self):
        self.calls.append("disconnect")
        if self.busy:
            raise OSError("Wifi Not Started")

    def connect(self, ssid, password):
        self.calls.append((ssid, password))
        if self.busy:
            raise OSError("WiFi Internal Error")


class _AccessPoint(_Nic):
    """An access point; `options` are what it was configured with."""

    def __init__(self):
        super().__init__()
        self.address = "192.168.4.1"
        self.options = None
        self.refuses = ()  # raises OSError, "active" or "config"; "idle": config() while inactive

    def active(self, *on):
        if on and on[0] and "active" in self.refuses:
            raise OSError("WiFi Out of Memory")
        return super().active(*on)

    def config(self, **options):
        self.calls.append("config")
        if "config" in self.refuses or ("idle" in self.refuses and not self.is_active):
            raise OSError("Wifi Invalid Mode")
        assert sorted(options) == ["key", "security", "ssid"]
        self.options = options


class _WLAN:
    """Stands for network.WLAN: one station, one access point."""

    PM_NONE = 0
    SEC_WPA_WPA2 = 4

    def __call__(self, interface):
        if interface == network.AP_IF:
            if network.own is None:
                network.own = _AccessPoint()
            network.own.SEC_WPA_WPA2 = self.SEC_WPA_WPA2
            return network.own
        assert interface == network.STA_IF
        network.wlan = _Station()
        network.wlan.PM_NONE = self.PM_NONE
        return network.wlan


class Network:
    """Stands for the module network."""

    STA_IF, AP_IF = 0, 1
    STAT_NO_AP_FOUND, STAT_WRONG_PASSWORD = -2, -3
    PHY_LAN8720 = 2
    wlan = own = wired = None
    name = None

    def __init__(self):
        self.WLAN = _WLAN()

    def hostname(self, name):
        assert not (self.wired and self.wired.is_active), "too late"
        self.name = name

    def LAN(self, **options):
        """As ports/esp32/network_lan.c takes it: phy_addr and phy_type are needed."""
        for key in ("mdc", "mdio", "power", "ref_clk"):
            assert isinstance(options[key], _Pin), key
            options[key] = options[key].number
        assert options["phy_type"] == self.PHY_LAN8720 and 0 <= options["phy_addr"] <= 31
        assert options["ref_clk_mode"] in (_Pin.IN, _Pin.OUT)
        assert chip.port == "esp32"
        self.options = options
        self.wired = _Nic()
        return self.wired

    def WIZNET5K(self):
        """As extmod/network_wiznet5k.c does it without arguments: with the pins of the board."""
        assert chip.port == "rp2"
        self.wired = _Nic()
        return self.wired


class System:
    """Stands for the module os where dupterm is missing; `calls` are those of dupterm."""

    def __init__(self):
        self.calls = []

    def dupterm(self, stream, index):
        self.calls.append((stream, index, clock.ticks_ms()))


class Board:
    """A board.py."""

    def __init__(self, name):
        with open("boards/" + name + "/board.py") as file:
            names = {}
            exec(file.read(), names)
        for key, value in names.items():
            if key[0] != "_":
                setattr(self, key, value)


BOARDS = {
    "RPI_PICO": "rp2",
    "RPI_PICO_W": "rp2",
    "RPI_PICO2": "rp2",
    "RPI_PICO2_W": "rp2",
    "ESP32_GENERIC": "esp32",
    "ESP32_GENERIC_S3": "esp32",
    "ESP32_GENERIC_C3": "esp32",
    "ESP8266_GENERIC": "esp8266",
    "W5500_EVB_PICO": "rp2",
    "WT32_ETH01": "esp32",
    "OLIMEX_ESP32_POE": "esp32",
    "WAVESHARE_ESP32_S3_RELAY_6CH": "esp32",
}
chip = Chip()
network = Network()
sys.modules["machine"] = chip
sys.modules["network"] = network


def use(name):
    """Put this board, with nothing used yet, in place; returns its board.py."""
    board = Board(name)
    chip.use(board, BOARDS[name])
    sys.modules["board"] = board
    if "umb.port.line" in sys.modules:  # the UARTs of the board before would take memory
        sys.modules["umb.port.line"].owners.clear()
    network.wlan = network.own = network.wired = network.name = None
    clock.reset()
    return board
