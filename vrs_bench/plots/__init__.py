"""Every picture that the package draws."""
