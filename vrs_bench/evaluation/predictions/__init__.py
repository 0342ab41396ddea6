"""Predictions: what is asked for, the forms in which they come, and the check of each row."""
