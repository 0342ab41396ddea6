"""Reading own imagery: files and dates, one grid, tiles, and scenes of them."""
