"""The numbered requirements of the Modbus specifications, each with a test of its number."""
