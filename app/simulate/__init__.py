"""The Simulate room: galaxies as a telescope would see them, with known properties to learn from."""
