"""Receivers of messages: Slack, mail and SMS, which check, record and, when told to, fail."""
