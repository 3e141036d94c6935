"""The optional part "mqtt": the points of the device at an MQTT broker."""
