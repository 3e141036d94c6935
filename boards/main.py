"""What MicroPython runs after each reset: the remote-I/O application."""

from app.main import main

main()
