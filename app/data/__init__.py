"""The Data room: import galaxies, look at them, label them."""
