"""What MicroPython runs after each reset: the application."""

from app.main import main

main()
