"""What Prometheus reads: every metric of the product, on a registry of its own.

Names and labels are fixed by dashboards (docs/alerts.md lists them); none carries a SKU, an order or a customer.
Events of the engine move counters and histograms; gauges about the shops are set after each evaluation, never
while being scraped. A moment that never came has no sample: it is not 1970 and not now.
"""

from monitor.metrics.kinds import PREFIX, Definition
from monitor.metrics.metrics import Build, Metrics

__all__ = ["PREFIX", "Build", "Definition", "Metrics"]
