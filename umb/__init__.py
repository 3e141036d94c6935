"""Modbus for MicroPython boards. Import what you need: umb.server.rtu, umb.client.tcp, ..."""

__version__ = "0.2.0"
