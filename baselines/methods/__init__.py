"""Methods by name: each restores a scene as a whole, trained or not.

A method that is not trained is a module here (or a function in one) and a line in
:mod:`baselines.methods.registry`; nothing else has to be told of it.
"""
