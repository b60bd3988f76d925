"""The view `sync_validation`: for each confirmed link what Shopify should show, and what it shows.

`lightspeed_qty` is the equation of `sync/stock.py` over what was last read; `shopify_qty` is never below zero. Both
are NULL while a side was never read. A test compares the view with the equation.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

VIEW = """
CREATE VIEW sync_validation AS
SELECT
    sku,
    CASE WHEN said - spoken_for < 0 THEN 0 ELSE said - spoken_for END AS lightspeed_qty,
    CASE WHEN available < 0 THEN 0 ELSE available END AS shopify_qty,
    description, link_id, item_id, variant_id, inventory_item_id,
    on_hand, buffer, booked, said, taken, open, committed, unseen, set_aside, spoken_for, available,
    base, verdict, quarantined, parked, evaluated_at
FROM (
    SELECT known.*, on_hand + booked - buffer AS said, taken + unseen + set_aside AS spoken_for
    FROM (
        SELECT
            links.link_id, links.sku, links.item_id, links.variant_id, links.inventory_item_id,
            links.base, links.verdict, links.parked, links.evaluated_at,
            CASE WHEN links.quarantine_units IS NULL THEN 0 ELSE 1 END AS quarantined,
            links.buffer + links.dismissed_offset AS buffer,
            items.description,
            item_stock.qoh AS on_hand,
            levels.available, levels.committed,
            CASE WHEN chosen.value LIKE '%reserved%' THEN levels.reserved ELSE 0 END
                + CASE WHEN chosen.value LIKE '%safety_stock%' THEN levels.safety_stock ELSE 0 END
                + CASE WHEN chosen.value LIKE '%damaged%' THEN levels.damaged ELSE 0 END
                + CASE WHEN chosen.value LIKE '%quality_control%' THEN levels.quality_control ELSE 0 END AS set_aside,
            COALESCE(demand.taken, 0) AS taken,
            COALESCE(demand.open, 0) AS open,
            COALESCE(demand.booked, 0) AS booked,
            CASE
                WHEN levels.committed < COALESCE(demand.open, 0) THEN 0
                ELSE levels.committed - COALESCE(demand.open, 0)
            END AS unseen
        FROM links
        CROSS JOIN (
            SELECT COALESCE(MAX(value), 'reserved,safety_stock,damaged,quality_control') AS value
            FROM meta WHERE key = 'set_aside'
        ) AS chosen
        LEFT JOIN items ON items.item_id = links.item_id
        LEFT JOIN item_stock ON item_stock.item_id = links.item_id
        LEFT JOIN levels ON levels.inventory_item_id = links.inventory_item_id
        LEFT JOIN (
            SELECT
                order_lines.inventory_item_id,
                SUM(order_lines.placed - order_lines.restocked) AS taken,
                SUM(order_lines.placed - order_lines.closed) AS open,
                SUM(CASE WHEN orders.booked_before THEN order_lines.placed - order_lines.restocked ELSE 0 END) AS booked
            FROM order_lines
            JOIN orders ON orders.order_id = order_lines.order_id
            GROUP BY order_lines.inventory_item_id
        ) AS demand ON demand.inventory_item_id = links.inventory_item_id
        WHERE links.state = 'confirmed'
    ) AS known
) AS terms
"""


def upgrade() -> None:
    """Create the view."""
    op.execute(VIEW)
