"""The ops listener: metrics, health, readiness and one status page, for people and machines inside."""
