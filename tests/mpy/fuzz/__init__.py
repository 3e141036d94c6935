"""Random traffic of all kinds beside independent models; tools/fuzz runs it from a PC.

A kind (see main.py) draws a case from a seed: a set-up and a list of events. It plays the events
against umb and raises Difference where umb does something else than the model. Because a case is
plain data, shrink.py can leave out events until no further one can be spared.
"""
