"""Clients on serial lines: umodbus.client.serial.rtu."""
