"""What the trainings of the package share: checkpoints, and the course of the learning rate."""
