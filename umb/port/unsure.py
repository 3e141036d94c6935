"""UARTs whose txdone() may come early, or not at all. Optional: for lines on one."""

from time import ticks_add, ticks_diff, ticks_us


def attach(line, slack_us):
    """Have a Line wait for the latest time at which a frame of its own may end.

    The first start bit lies somewhere within write(), and nobody knows where. If write() blocked,
    that is not more than slack_us late: half a character.
    """
    send = line.send

    def send_and_wait(adu, at, n, threshold=0):
        if not send(adu, at, n, threshold):
            return False
        late_us = ticks_diff(ticks_us(), line.end_us) + line.time_us(n)
        line.end_us = ticks_add(line.end_us, min(late_us, slack_us))
        return True

    line.send = send_and_wait
