"""Shifts: one cause of the data is turned, all else stays, and the answer of scores is measured."""
