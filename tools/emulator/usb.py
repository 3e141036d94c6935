"""Let rp2040py's emulated USB host answer as a real one while it has no data."""

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
