"""Alerts out to the hospital: PCD-04 over MLLP, FHIR and signed webhooks, through a queue on disk.

``bridge`` reads the alerts that the daemon publishes, ``queue`` keeps them until each destination has confirmed them, a
``sender`` per destination takes them from there in order. What a destination is told is made when it is told:
``pcd04``, ``fhir``, ``webhook``.
"""
