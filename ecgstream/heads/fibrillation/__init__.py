"""Fibrillation and flutter: what the head learns from, and how it is fitted."""
