"""Exceptions of umb.errors for what kept a Poller from reading or writing a point."""

from ..client.status import NO_CONNECTION, NO_REPLY
from ..errors import BadReplyError, NoConnectionError, NoReplyError, exception_for


def error_for(status, device, asked):
    """Return the exception that the status of a client stands for.

    asked   what the device was asked for, such as "a write of point 'x'"
    """
    slave_id = device.slave_id
    if status > 0:
        error = exception_for(status, slave_id, asked)
    elif status == NO_REPLY:
        text = "slave %d did not answer %s within %d ms"
        error = NoReplyError(text % (slave_id, asked, device.timeout_ms))
    elif status == NO_CONNECTION:
        text = device.failure()
        error = NoConnectionError("%s, for %s of slave %d" % (text, asked, slave_id))
    else:
        error = BadReplyError("slave %d gave no valid answer to %s" % (slave_id, asked))
    error.slave_id = slave_id
    return error


def offline_error(slave_id, name):
    """Return the exception for a device that cannot be asked, as it is offline."""
    text = "slave %d is offline: it cannot be asked for point %r"
    error = NoReplyError(text % (slave_id, name))
    error.slave_id = slave_id
    return error
