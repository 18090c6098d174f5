"""The streaming encoder as one compiled function, for a CPU: the arithmetic of its TorchScript in fewer passes."""
