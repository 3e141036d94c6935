"""Clients: umodbus.client.tcp over sockets, umodbus.client.serial.rtu over serial lines."""
