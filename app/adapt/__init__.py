"""The Adapt room: carrying a trained network to another survey."""
