"""What the tests share on the PC's side; tests/mpy/support is its like inside MicroPython."""
