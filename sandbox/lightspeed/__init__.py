"""The pretend Lightspeed Retail (R-Series): its API V3, its OAuth server and its till."""
