"""Beds that are not there: synthetic patients by script, replayed recordings, faults on demand, load.

Nothing here is part of the daemon; a simulator talks to it as a monitor would, over a socket.
"""
