"""What a network is trained for: each objective is a module here and a line in its registry."""
