"""Galaxies made by code: bulge and disk, PSF and noise, drawn with GalSim; the demonstration survey."""
