"""Networks by name: each is a module here and a line in :mod:`baselines.networks.registry`."""
