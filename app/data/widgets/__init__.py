"""What the Data room shows galaxies with."""
