"""The networks and coefficients that some metrics look through, and how each was fitted."""
