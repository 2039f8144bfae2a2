"""Maps, filters, dreams and points, drawn."""
