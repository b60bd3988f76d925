"""Runs the engine on time, watches it and tells people."""
