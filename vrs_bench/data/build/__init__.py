"""Building a dataset folder: what goes into which file, who makes it, where it is written."""
