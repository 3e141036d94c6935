"""What a request costs a server, side by side: `python3 tools/dev.py bench`."""
