"""The panel “Why?”: predictions for the current galaxy and attribution maps of the evidence for them."""
