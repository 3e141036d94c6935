"""Modbus clients from outside against umb's servers, and what they share."""
