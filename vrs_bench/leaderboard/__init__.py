"""Submissions, their ranking, and the tables that show it."""
