"""The application that every board runs; boards/README.md has its settings and registers."""
