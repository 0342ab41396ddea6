"""Time series that animate the cells, one module a source."""
