"""The remote-I/O application that every board runs; boards/README.md has its register map."""
