"""What alerts.yaml may say: schedule, alerts, routes, channels and limits, each key with its meaning and default.

The models are frozen and refuse unknown keys. `monitor.alerts_file` fills them from the file and says where in it
a mistake stands.
"""

from monitor.alerts_model.channels import (
    CHANNEL_TYPES,
    AlertmanagerSettings,
    AnyChannel,
    Budget,
    ChannelSettings,
    EmailSettings,
    SlackSettings,
    SmsSettings,
    WebhookSettings,
)
from monitor.alerts_model.fields import model_in, plainly
from monitor.alerts_model.parts import OUTSIDE, Alert, BusinessHours, Digest, Flapping, Maintenance, Route, Step
from monitor.alerts_model.whole import AlertsFile

__all__ = [
    "CHANNEL_TYPES",
    "OUTSIDE",
    "Alert",
    "AlertmanagerSettings",
    "AlertsFile",
    "AnyChannel",
    "Budget",
    "BusinessHours",
    "ChannelSettings",
    "Digest",
    "EmailSettings",
    "Flapping",
    "Maintenance",
    "Route",
    "SlackSettings",
    "SmsSettings",
    "Step",
    "WebhookSettings",
    "model_in",
    "plainly",
]
