"""Compares both shops whole, and tells of every fault once: its class, what each shop says, what can be done."""
