"""True against predicted values, decisions, reliability."""
