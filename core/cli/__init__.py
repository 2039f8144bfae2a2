"""The command line: the same settings, computations and messages as the window."""
