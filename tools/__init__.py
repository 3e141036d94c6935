"""Commands for working on umb on a PC. dev.py starts them."""
