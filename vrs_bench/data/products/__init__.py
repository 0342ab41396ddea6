"""Products in the layout of the original toy, and its two commands."""
