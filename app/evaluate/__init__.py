"""The Evaluate room: how good a network is, and on which galaxies."""
