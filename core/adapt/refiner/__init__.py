"""A refiner (SimGAN): simulated stamps are made to look like those of a survey, and keep their labels."""
