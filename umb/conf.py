"""Settings of the whole program, read at every use."""

# True: register values are -32768..32767 instead of 0..65535, in
# stores, routes and clients alike.
SIGNED_VALUES = False
