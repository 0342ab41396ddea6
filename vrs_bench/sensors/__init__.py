"""What an instrument makes of the ground: one module a stage, and the sensor that composes them."""
