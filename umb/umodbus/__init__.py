"""uModbus on boards: the modules and functions of uModbus 1.0, by their own names, over umb.

The package file mip/umodbus.json installs this folder as the package `umodbus`, with the parts of
CPython's modules socketserver and socket that uModbus's programs need. Where all of umb is
installed, it is `umb.umodbus`.

    conf         conf.SIGNED_VALUES = True: registers are -32768..32767, in clients and endpoints.
                 It is umb.conf
    client       functions that make a request's ADU, and send_message(), which exchanges it
    server       get_server(), whose server has the decorator route()
    functions, exceptions, utils, log

What umb does differently from uModbus, on purpose: a request for another slave is never answered,
a request is checked whole before the first value is written, replies have to belong to their
requests, and a time-out is an umb.errors.NoReplyError instead of a ValueError.
"""

from umb import conf

__all__ = ("conf",)
