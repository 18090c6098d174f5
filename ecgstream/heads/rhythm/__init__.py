"""The head that tells the rhythm of a strip from its measures (``ecgstream.strips``)."""
