"""The reference models: one module a family."""
