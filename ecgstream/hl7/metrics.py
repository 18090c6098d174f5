"""What an operator sees of the HL7 edge. No label names a bed, a patient or a sender."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

ANSWER_EDGES_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Hl7Metrics:
    """Registered where the process's other metrics are."""

    def __init__(self, registry: CollectorRegistry):
        r = registry
        self.messages = Counter("ecgstream_hl7_messages", "Messages answered", ["kind", "answer"], registry=r)
        self.refused = Counter("ecgstream_hl7_refused", "Messages not taken, by rule", ["reason"], registry=r)
        self.chunks = Counter("ecgstream_hl7_chunks", "Chunks handed on", registry=r)
        self.orders = Counter("ecgstream_hl7_orders", "Orders handed on", ["order"], registry=r)
        self.ignored = Counter("ecgstream_hl7_ignored", "Messages with nothing to use", ["kind"], registry=r)
        self.other_patient = Counter(
            "ecgstream_hl7_other_patient", "Waveforms whose PID is not who ADT says lies there", registry=r
        )
        self.connections = Gauge("ecgstream_hl7_connections", "Senders connected", registry=r)
        self.turned_away = Counter("ecgstream_hl7_turned_away", "Connections above hl7.connections", registry=r)
        self.cut_off = Counter("ecgstream_hl7_cut_off", "Messages that ended before their end mark", registry=r)
        self.beds = Gauge("ecgstream_hl7_beds_occupied", "Beds with a patient, by ADT", registry=r)
        self.answer = Histogram(
            "ecgstream_hl7_answer_seconds",
            "From a message's last byte to its answer",
            buckets=ANSWER_EDGES_S,
            registry=r,
        )
