"""The board's network, which comes and goes while everything else goes on."""
