"""The role "io": the pins of the board are coils, inputs and registers."""
