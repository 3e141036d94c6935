"""The status of a request: 0 it is answered, 1..255 the peer's exception code, or one of these."""

PENDING = -1
NO_REPLY = -2
BAD_REPLY = -3
NO_CONNECTION = -4
LATE_REPLY = -5  # the reply may belong to an earlier request
REWRITE = -6  # nothing was sent yet, and the buffer was needed: the request has to be written anew
ODD_REPLY = -7  # the right slave and function code, but nothing else of a reply
