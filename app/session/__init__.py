"""What is open, selected and running."""
