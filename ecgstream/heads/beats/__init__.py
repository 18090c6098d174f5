"""The head that tells the class of a beat from its measures (``ecgstream.beats``)."""
