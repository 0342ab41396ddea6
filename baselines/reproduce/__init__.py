"""The results of the repository, made again: trained, restored, scored, verified, ranked."""
