"""HL7 v2 by MLLP: waveforms, the monitor's own alarms and ADT come in; names stay here. See docs/integration.md."""
