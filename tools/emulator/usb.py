"""The USB host of an emulated Pico: what it sends, and a host that waits while it has no data."""

_POLL_NS = 20_000  # a full-speed host asks about that often again


def nak_when_idle(cdc, usb, clock):
    """Let the USB host of `cdc` answer an armed OUT endpoint only when it has bytes.

    rp2040py 0.3.6 completes the transfer with an empty packet every 10 us, where a host NAKs: the
    firmware then lives in its USB interrupt, runs 2-3 times too slow and never sleeps.
    """
    complete, push, forget = usb.on_endpoint_read, cdc.send_serial_byte, usb.on_reset
    armed = []

    def deliver():
        if armed and not cdc.tx_fifo.empty:
            complete(*armed.pop())

    alarm = clock.create_alarm(deliver)

    def on_endpoint_read(endpoint, size):
        if endpoint == cdc._out_endpoint and cdc.tx_fifo.empty:
            armed[:] = [(endpoint, size)]
        else:
            complete(endpoint, size)

    def send_serial_byte(byte):
        push(byte)
        if armed:
            alarm.schedule(_POLL_NS)

    def on_reset():
        armed.clear()
        alarm.cancel()
        if forget:
            forget()

    usb.on_endpoint_read = on_endpoint_read
    cdc.send_serial_byte = send_serial_byte
    usb.on_reset = on_reset


def send(cdc, data):
    """Send what the host has room for, and drop it from `data`, a bytearray."""
    room = cdc.tx_fifo.size - cdc.tx_fifo.item_count  # it would drop what does not fit
    for byte in data[:room]:
        cdc.send_serial_byte(byte)
    del data[:room]
