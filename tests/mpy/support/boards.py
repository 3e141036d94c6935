"""How the UARTs of MicroPython's ports behave, as keywords of support.uart.UART."""

BOARDS = {
    "rp2": {},
    "rp2 before 1.24": {"txdone": "early", "irq": False},
    "esp32": {"transmit_ring": 1024},
    "stm32": {"write": "blocks", "txdone": "true"},
    "nrf": {"write": "blocks", "txdone": "true", "irq": False, "ring": 64},
    "mimxrt": {"transmit_ring": 256},
    "zephyr": {"write": "fits", "transmit_ring": 128, "irq": False},
    "a part at a time": {"transmit_ring": 32},
    "a part at a time, early": {"transmit_ring": 32, "txdone": "early", "irq": False},
    "any() is 0 or 1": {"any_": "flag", "irq": False},  # as on esp8266, which has no irq() either
    "before 1.20": {"txdone": None, "irq": False},
    "before 1.20, a part at a time": {"txdone": None, "irq": False, "transmit_ring": 32},
}
# umb looks at sys.platform when it is imported: tests that receive like this are in a file of
# their own, which says so before.
ESP8266 = {
    "write": "fits",
    "transmit_ring": 128,
    "txdone": "early",
    "irq": False,
    "any_": "flag",
    "lump": "fifo",
}
# Those whose receivers differ.
RECEIVERS = ("rp2", "nrf", "any() is 0 or 1")
