"""The pretend outside world: both shops, the message receivers, their people and their faults.

It is built from what is known of the real services and shares no code with `sync`, so that it can bear
witness against it. Production code never imports it; only the `demo` and `sandbox` commands do.
"""
