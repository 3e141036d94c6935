"""Says hello on the serial device argv[1] and shows what is answered."""

import sys
import time

from umb.port.tty import TTY

line = TTY(sys.argv[1], 9600)
line.write(b"hello", 0, 5)
heard = bytearray(5)
while line.any() < len(heard):
    time.sleep_ms(1)
print(line.readinto(heard, len(heard)), heard)
