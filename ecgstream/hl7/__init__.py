"""HL7 v2 by MLLP: waveforms, the monitor's own alarms and ADT come in; names stay here. See docs/integration.md."""

import hl7

# The library logs the content of fields whose escapes are wrong, names among them, in what is sent as well.
for _logger in (hl7.containers.logger, hl7.util.logger):
    _logger.disabled, _logger.warn = True, _logger.warning  # it calls warn, which is deprecated
