"""What every panel of every room is built on."""
