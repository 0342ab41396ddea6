"""What stands beside the data: the card, pictures, and descriptions that machines read."""
