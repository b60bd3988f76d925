"""Grafana's dashboards, made of the metrics' own definitions, the alerts' own expressions and alerts.yaml's limits."""

from monitor.grafana.boards import dashboards

__all__ = ["dashboards"]
