"""The Explain room: attribution maps, faithfulness, filters, dreams, the map of features."""
