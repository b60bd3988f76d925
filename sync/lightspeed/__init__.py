"""Lightspeed Retail (R-Series) over its API V3: the engine's point of sale."""
