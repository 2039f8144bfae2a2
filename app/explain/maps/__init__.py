"""Why? The clicked galaxy, what networks say of it, and where in the image the evidence lies."""
