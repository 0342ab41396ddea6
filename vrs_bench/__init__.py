"""VRS-Bench."""
