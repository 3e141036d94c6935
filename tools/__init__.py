"""Commands for working on umb on a PC; the door is dev.py."""
