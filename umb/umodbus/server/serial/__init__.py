"""Servers on serial lines: get_server() for umodbus.server.serial.rtu.RTUServer."""

from .. import Dispatcher


def get_server(server_class, serial_port, **form):
    """Return server_class(serial_port) with the decorator route().

    serial_port   a machine.UART, a umb.port.tty.TTY or a UART's number. What pyserial's Serial
                  knows cannot be read from a UART. It is given here: baudrate=9600, and parity,
                  stop, tx, rx, de and the other keywords of umb.server.rtu.RTUServer

    A rule whose slave_ids are None answers for every slave id: on a line where others are, too,
    name those that are yours.
    """
    return server_class(serial_port, Dispatcher(1), **form)
