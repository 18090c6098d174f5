"""Every error ecgstream raises on purpose.

    EcgstreamError
    ├── SettingsError            a setting is wrong: names all of them at once
    ├── WireError                a message cannot be a chunk or control; ``reason`` is its short name in metrics
    ├── Hl7Error                 an HL7 message cannot be taken; ``reason`` likewise, ``where`` its segment and field
    ├── IntakeError              a chunk is well formed but has no place on its stream; ``reason`` likewise
    ├── ModelError               a model file is missing, altered, or not one of ours
    ├── RecordError              a recording cannot be read
    ├── StateError               the state file cannot be read or written
    ├── BrokerError              the Kafka cluster cannot be reached, or refuses what an operator asked for
    ├── DeliveryError            a broker has not confirmed in time, or refuses; what was sent is to be sent again
    └── FencedError              others may have our partitions by now; ``partitions`` says which

Each message is a sentence with the rule, the value found and the remedy.
"""

from collections.abc import Iterable


class EcgstreamError(Exception):
    """Base of all errors raised on purpose."""


class SettingsError(EcgstreamError):
    """A setting is wrong."""


class _Reasoned(EcgstreamError):
    def __init__(self, reason: str, message: str):
        super().__init__(message)
        self.reason = reason


class WireError(_Reasoned):
    """A message cannot be decoded; ``reason`` is a short fixed name used as a metric label."""


class IntakeError(_Reasoned):
    """A chunk has no place on its stream; ``reason`` is a short fixed name used as a metric label."""


class Hl7Error(_Reasoned):
    """An HL7 message cannot be taken. The sentence may quote the message: it goes to the sender, never into a log."""

    def __init__(self, reason: str, message: str, where: str = ""):
        super().__init__(reason, message)
        self.where = where


class ModelError(EcgstreamError):
    """A model file is missing, altered, or not one of ours."""


class RecordError(EcgstreamError):
    """A recording cannot be read."""


class StateError(EcgstreamError):
    """The state file cannot be read or written."""


class BrokerError(EcgstreamError):
    """The Kafka cluster cannot be reached, or refuses what an operator asked for."""


class DeliveryError(EcgstreamError):
    """A broker has not confirmed in time, or refuses; what was asked of it is to be asked again as a whole."""


class FencedError(EcgstreamError):
    """Others may have these source partitions by now: all that is held of them is to be dropped."""

    def __init__(self, partitions: Iterable[int], message: str):
        super().__init__(message)
        self.partitions = frozenset(partitions)
