"""What is on the ground: cells, land-cover series, texture, and the scene that holds them."""
