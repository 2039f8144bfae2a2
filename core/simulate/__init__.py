"""Simulated galaxies: bulge and disk, PSF and noise, rendered with GalSim; and the demonstration survey."""
