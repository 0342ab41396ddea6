"""Reading a dataset: scene by scene, through `datasets`, or drawn when it is asked for."""
