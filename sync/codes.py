"""The catalogue of what people may be told about: codes to look up, each with a sentence and a remedy.

Codes LS001 to LS003 and SH001 to SH003 keep the meaning they have in the shop's runbook.
"""

from __future__ import annotations

from enum import Enum


class Code(Enum):
    """The catalogue: one entry for each failure a person may be told about."""

    LS001 = (
        "Lightspeed timeout",
        "Lightspeed did not answer in time.",
        "Nothing to do: it is retried, each time later. If it lasts, look at Lightspeed's status page.",
    )
    LS002 = (
        "SKU not found in Lightspeed",
        "No Lightspeed item is linked to a SKU, so its stock is not synced.",
        "Check that the SKU is spelt alike in both shops, or create the item with `lightspeed-sync sku create-in-lightspeed SKU`; `lightspeed-sync sku mismatches` shows all, `lightspeed-sync sku suggest` what they may be, and `sku map` links two.",
    )
    LS003 = (
        "Inventory lock conflict",
        "Lightspeed was busy changing the same record.",
        "Nothing to do: it waits and retries. If it persists, see who edits that item in Lightspeed.",
    )
    LS004 = (
        "Lightspeed rate limit",
        "Lightspeed asked us to slow down.",
        "Nothing to do: the pace is lowered by itself. If it lasts, another app may be using the same API client.",
    )
    LS005 = (
        "Lightspeed refused our sign-in",
        "Lightspeed no longer accepts our connection.",
        "Run `lightspeed-sync connect lightspeed` and give consent again; check that the employee who did so is not locked.",
    )
    LS006 = (
        "Lightspeed server error",
        "Lightspeed had an internal problem.",
        "Nothing to do: it is retried. If it lasts, look at Lightspeed's status page.",
    )
    LS007 = (
        "Unreadable answer from Lightspeed",
        "Lightspeed sent something that is not a whole, valid answer.",
        "Nothing was changed. If it lasts, send the logged request id to Lightspeed's support.",
    )
    LS008 = (
        "Lightspeed pointed elsewhere",
        "A page link from Lightspeed named another host.",
        "Nothing was sent there. Check LIGHTSPEED_API_URL, then tell Lightspeed's support.",
    )
    LS009 = (
        "Lightspeed refused a request",
        "Lightspeed says that a request of ours is not valid.",
        "Read the message beside this code; report it if it names no setting of yours.",
    )
    LS010 = (
        "Lightspeed permission missing",
        "Our Lightspeed connection may not do this.",
        "Reconnect with the scopes employee:inventory_read and employee:register (and employee:register_layaway where reservations are mirrored), as an employee who has those rights; `lightspeed-sync connect lightspeed --items` asks for what creating items needs, too.",
    )
    LS011 = (
        "Lightspeed read incomplete",
        "A reading of Lightspeed could not be proven complete.",
        "Nothing was raised, zeroed or removed. It is read again at the next interval.",
    )
    LS012 = (
        "Sale not confirmed",
        "Lightspeed has not confirmed a change to a sale, which may have happened all the same.",
        "Nothing to do: the sale is looked for in Lightspeed before anything is sent again.",
    )
    LS013 = (
        "Sales settings refused",
        "Lightspeed does not know the employee, register, payment type, shop or customer that our sales name.",
        "Run `lightspeed-sync check connections` and correct the LIGHTSPEED_…_ID it names; orders then go on by themselves.",
    )
    LS014 = (
        "Layaways count otherwise",
        "A layaway did not move Lightspeed's stock as LIGHTSPEED_LAYAWAY_LOWERS_STOCK says, so reservations are not mirrored.",
        "Set it to the other value and restart. If that is refused as well, remove LIGHTSPEED_HOLDS_CUSTOMER_ID.",
    )
    LS015 = (
        "Item not confirmed",
        "Lightspeed was asked to make an item and did not answer; it may exist.",
        "Run the command again in some minutes: the item is looked for by its SKU before another one is made.",
    )
    SH001 = (
        "Shopify rate limit",
        "Shopify asked us to slow down.",
        "Nothing to do: the pace is lowered by itself. If it lasts, another process may use the same app's token.",
    )
    SH002 = (
        "Variant limit reached",
        "A product has as many variants as Shopify allows.",
        "Split the product into several, or merge variants.",
    )
    SH003 = (
        "Invalid product data",
        "Shopify refused a product's data.",
        "Correct the named field in Lightspeed, then sync again; validate first.",
    )
    SH004 = (
        "Shopify timeout",
        "Shopify did not answer in time.",
        "Nothing to do: it is retried. If it lasts, look at Shopify's status page.",
    )
    SH005 = (
        "Shopify refused our sign-in",
        "Shopify no longer accepts our token.",
        "Create a new Admin API token (or client secret) and put it into the settings.",
    )
    SH006 = (
        "Shopify server error",
        "Shopify had an internal problem.",
        "Nothing to do: it is retried. If it lasts, look at Shopify's status page.",
    )
    SH007 = (
        "Unreadable answer from Shopify",
        "Shopify sent something that is not a whole, valid answer.",
        "Nothing was changed. If it lasts, send the logged request id to Shopify's support.",
    )
    SH008 = (
        "Shopify refused a query",
        "Shopify says that a query of ours is not valid.",
        "Check SHOPIFY_API_VERSION; report it with the message beside this code.",
    )
    SH009 = (
        "Shopify ignored a filter",
        "Shopify did not understand a search filter and would have answered with everything.",
        "The reading was thrown away. Check SHOPIFY_API_VERSION, then report it.",
    )
    SH010 = (
        "Shopify served another API version",
        "The API version that answered is not the one we were verified with.",
        "Writing has stopped. Set SHOPIFY_API_VERSION to a supported version, or update lightspeed-sync.",
    )
    SH011 = (
        "Stock changed under our hand",
        "Shopify's number had changed between our reading and our writing.",
        "Nothing to do: it is read again and decided anew.",
    )
    SH012 = (
        "Shopify cannot change this item's stock",
        "Shopify refuses stock changes for this item (a bundle parent, an inactive location, an unknown item).",
        "The item is parked. Correct it in Shopify, or remove its link.",
    )
    SH013 = (
        "Shopify read incomplete",
        "A reading of Shopify could not be proven complete.",
        "Nothing was raised, zeroed or removed. It is read again at the next interval.",
    )
    SH014 = (
        "Shopify permission missing",
        "Our Shopify app lacks a permission.",
        "Grant the scope named beside this code to the app, and reinstall it if Shopify asks.",
    )
    SH015 = (
        "Shopify export failed",
        "Shopify could not finish the export that a full reading needs.",
        "It is started again at the next full pass; run `lightspeed-sync sync --full --confirm` to try at once.",
    )
    SH016 = (
        "Shop is locked or frozen",
        "Shopify says that the shop is not active.",
        "See the shop's plan and billing in Shopify's admin.",
    )
    SH017 = (
        "Item is not tracked",
        "Shopify does not track this item's quantity, so it can be sold without end.",
        "Turn on inventory tracking for it in Shopify.",
    )
    SH018 = (
        "Too much changed at one moment",
        "More changed in Shopify within a second than its lists can show.",
        "Nothing to do: the daemon makes a full reading by itself. Without it, run `lightspeed-sync sync --full --confirm`.",
    )
    ST001 = (
        "State is from a newer version",
        "The database was written by a newer lightspeed-sync.",
        "Update lightspeed-sync, or put back the copy of the database made before the update.",
    )
    ST002 = (
        "State is damaged",
        "The database file is damaged.",
        "Stop and keep the file. Put your last copy of it in its place; without one, name an empty directory as STATE_DIR, run `lightspeed-sync connect lightspeed`, then `lightspeed-sync sync --full --dry-run`.",
    )
    ST003 = (
        "State is read-only",
        "The state directory or the database cannot be written to.",
        "Give the service's user write access to STATE_DIR, or choose another directory; with PostgreSQL the right to create and change tables, on a server that is no standby.",
    )
    ST004 = (
        "Already running",
        "Another lightspeed-sync uses this state directory or database.",
        "Stop the other one, or give this one its own STATE_DIR and database. After a lost connection to PostgreSQL nothing need be done: the server lets go of the former connection within seconds.",
    )
    ST005 = (
        "Disk full",
        "There is no room left on the disk.",
        "Free some space; nothing that was acknowledged is lost.",
    )
    ST006 = (
        "Disk failure",
        "The disk reported an error.",
        "The daemon stops so that nothing is half-written. Check the disk, then start it again.",
    )
    ST007 = (
        "State belongs to another shop",
        "The database was filled from another shop or account.",
        "Set STATE_DIR to a directory of its own for each shop; with PostgreSQL give each a database or schema of its own.",
    )
    ST008 = (
        "SQLite is too old",
        "The SQLite library found here can damage the database.",
        "Install the package pysqlite3, or a Python that brings a newer SQLite.",
    )
    ST009 = (
        "No usable state yet",
        "There is no database of this version in the state directory, or where DATABASE_URL says.",
        "Begin with `lightspeed-sync connect lightspeed`, then `lightspeed-sync sync --full --dry-run`; after an update start the daemon once with `lightspeed-sync run`. Or correct STATE_DIR.",
    )
    ST010 = (
        "Database out of reach",
        "The PostgreSQL server that keeps the state does not answer, or ended the connection.",
        "Nothing to do if it comes back soon: the daemon connects again by itself. Otherwise check that the server runs and that this machine reaches it.",
    )
    ST011 = (
        "Database refuses us",
        "The PostgreSQL server does not let us in: user, password or database name are wrong.",
        "Correct DATABASE_URL, or the server's own settings (pg_hba.conf).",
    )
    ST012 = (
        "PostgreSQL cannot be used",
        "DATABASE_URL names a PostgreSQL database that this installation cannot use.",
        "Install lightspeed-sync with its extra `postgres`. The server must be PostgreSQL 13 or newer, the database in UTF8, and the schema that the address names must exist.",
    )
    CF001 = (
        "Setting missing",
        "A setting that is needed is not there.",
        "Set it in the environment, or as NAME_FILE naming a file that holds the value.",
    )
    CF002 = ("Setting malformed", "A setting cannot be understood.", "Correct it as the message beside it says.")
    CF003 = ("Setting renamed", "A setting has an old name.", "Use the new name given beside it.")
    CF004 = ("Mistake in alerts.yaml", "The alerts file has a mistake.", "Correct the line and column given.")
    CF005 = (
        "API version not supported",
        "Shopify no longer serves this API version, or we were not verified with it.",
        "Set SHOPIFY_API_VERSION to one of the supported versions, or remove it.",
    )
    CF006 = (
        "No goods of that name",
        "Nothing that is linked is called so.",
        '`--products` takes words of titles, kinds and categories, commas between them, as in --products="kava, thc-beverages".',
    )
    BR001 = (
        "Brake: too many would become zero",
        "A pass would take an unusual share of the shop off sale.",
        "Review with `lightspeed-sync sync --dry-run`, then confirm the plan, or correct Lightspeed.",
    )
    BR002 = (
        "Brake: too many changes",
        "A pass would change an unusual share of the shop.",
        "Review with `lightspeed-sync sync --dry-run`, then confirm the plan.",
    )
    BR003 = (
        "Brake: too few SKUs matched",
        "Far fewer SKUs matched than at the last complete reading.",
        "Check that Lightspeed's catalogue is whole; confirm the plan if it is right.",
    )
    BR004 = ("Paused by hand", "Somebody has paused writing.", "Run `lightspeed-sync resume` when it may go on.")
    BR005 = (
        "Confirmation missing",
        "This changes stock, so it needs a reviewed plan.",
        "Run with --dry-run, read the plan, then run with --confirm.",
    )
    BR006 = (
        "Plan no longer fits",
        "The world has changed since the plan was made.",
        "Make a new plan with --dry-run and review it.",
    )
    SK001 = (
        "Duplicate SKU",
        "The same SKU stands on several items, so it cannot be told which is meant.",
        "Give each item its own SKU in Lightspeed and Shopify.",
    )
    SK002 = (
        "Almost the same SKU",
        "Two SKUs differ only a little; they were not linked.",
        "Correct the SKU if they mean the same item, or link the two with `lightspeed-sync sku map LIGHTSPEED_SKU SHOPIFY_SKU`.",
    )
    SK003 = (
        "Kit or box not linked",
        "A kit's or box's own stock does not tell how many can be sold, so it was not linked.",
        "Sell it online under an item of its own, or leave it to Shopify.",
    )
    SK004 = (
        "Nothing to decide",
        "No difference of this SKU waits for a person.",
        "`lightspeed-sync conflicts list` shows those that do.",
    )
    SK005 = (
        "Decision must wait",
        "An earlier decision on this SKU, or a stock write of it, is still on its way.",
        "Try again after the next sync; `lightspeed-sync conflicts list` shows what is pending.",
    )
    SK006 = (
        "Kept apart by a person",
        "A person has said that the two are not linked, so their stock is not synced.",
        "`lightspeed-sync sku map LIGHTSPEED_SKU SHOPIFY_SKU` links them after all.",
    )
    SK007 = (
        "Linked to another",
        "One of the two is linked to something else already.",
        "If that link is wrong, say it with `--replace`: then it ends.",
    )
    SK008 = (
        "Link in doubt",
        "Neither SKU nor barcode nor title of a link's two sides agree any more.",
        "Look whether both still are the same goods: `lightspeed-sync sku map LIGHTSPEED_SKU SHOPIFY_SKU` says yes, `lightspeed-sync sku unmap SKU` ends the link.",
    )
    SK009 = (
        "Another app writes the same stock",
        "Somebody keeps changing Shopify's number of a SKU back after we corrected it.",
        "Shopify's inventory history of the product names the app: turn its stock sync off, or take the SKU out of it. `lightspeed-sync why SKU` shows our side.",
    )
    SK010 = (
        "Mapping file not understood",
        "The file is no SKU mapping as `lightspeed-sync sku export` writes it.",
        "Correct the place named here; JSON needs `sku_mappings`, CSV the columns `lightspeed_sku` and `shopify_sku`.",
    )
    OR001 = (
        "Order is gone",
        "An order that counted as open can no longer be found in Shopify.",
        "Look in Shopify whether it was deleted. Until it is found again its units stay taken off.",
    )
    OR002 = (
        "Committed units without an order",
        "Shopify holds units for orders that we have not seen.",
        "They stay taken off. Look for orders older than 60 days or from another app (scope read_all_orders).",
    )
    OR003 = (
        "Order has goods without a link",
        "An order sold something that has no item in Lightspeed, so it cannot be booked.",
        "Give the item the same SKU in both shops: the order then goes on by itself. Or set LIGHTSPEED_UNLINKED_ITEM_ID.",
    )
    OR004 = (
        "Order's money does not add up",
        "What Lightspeed or Shopify computes for an order is not what the customer pays.",
        "Compare the difference named here, correct tax or price, then `lightspeed-sync orders retry`.",
    )
    OR005 = (
        "No Lightspeed item for this money",
        "An order has money that no Lightspeed item is set for.",
        "Make an item without stock in Lightspeed and put its id into the setting named here.",
    )
    OR006 = (
        "Order cannot be read",
        "Shopify describes an order in a way that makes no sense to us.",
        "Look at the order in Shopify, book it by hand, then `lightspeed-sync orders close` it.",
    )
    OR007 = (
        "Two sales for one order",
        "Lightspeed has more than one sale under a reference of ours.",
        "Compare the sales named here in Lightspeed and void the one too many; nothing is voided by itself.",
    )
    OR008 = (
        "Sale does not look like ours",
        "The Lightspeed sale of an order is not there, was voided, or has other lines or another total than the order.",
        "Look at the sale in Lightspeed; then `lightspeed-sync orders retry` or `close` the order with the right sale.",
    )
    OR009 = (
        "Booking is not set up",
        "Orders cannot be booked, because Lightspeed needs to know who sells and how it is paid.",
        "Set LIGHTSPEED_EMPLOYEE_ID and LIGHTSPEED_PAYMENT_TYPE_ID.",
    )
    OR010 = (
        "Sale without an answer",
        "Lightspeed was asked to make a sale and did not answer; it may exist.",
        "Nothing to do: it is searched for before anything is sent again.",
    )
    WH001 = (
        "Webhook not understood",
        "Shopify sent a webhook that does not say what it is about.",
        "Nothing to do: what it was about is found by the next regular reading. Report it if there are many.",
    )
    WH002 = (
        "Webhooks not subscribed",
        "Shopify does not tell us of some changes at once.",
        "Nothing is lost, it only comes later. Grant the scope named beside this code, and check PUBLIC_URL.",
    )
    WH003 = (
        "App was uninstalled",
        "Our app was removed from the Shopify shop.",
        "Install it again and put the new token into the settings; until then nothing is synced.",
    )
    WH004 = (
        "Webhooks go elsewhere",
        "Our app's webhooks are also sent to another address.",
        "If that address is no longer yours, delete those subscriptions in Shopify.",
    )
    OR011 = (
        "Order unknown",
        "There is no such order in our record.",
        "Name it as Shopify does (#1001), by its id or by a reference; `lightspeed-sync orders list` shows what there is.",
    )
    OR012 = (
        "Sale may still come",
        "A sale for this order was sent to Lightspeed and may still be completed.",
        "Wait until `lightspeed-sync orders show` tells what became of it, then close the order.",
    )
    OR013 = (
        "Nothing to close",
        "There is nothing of this order left to book.",
        "Nothing to do; `lightspeed-sync orders show` tells how it was booked.",
    )
    OR014 = (
        "Closed order has grown",
        "An order that is in Lightspeed without a sale of ours has got more units since.",
        "Ring the units that were added up at the till, then `lightspeed-sync orders close` it with that sale.",
    )
    OR015 = (
        "Sale differs from the order",
        "The sale that was named has other goods or another total than what the order still needs.",
        "Name the right sale; or close the order with `--anyway` if this sale books it all the same.",
    )
    BK001 = (
        "Backup damaged",
        "A backup is not whole any more.",
        "Take another one: `lightspeed-sync backup --list` reads each to its end and says which are whole.",
    )
    BK002 = (
        "Not a backup",
        "This file is neither a backup of ours nor Shopify's inventory_levels.json.",
        "Name a file of `lightspeed-sync backup --list`, or an export of inventory_levels.json from Shopify's REST API.",
    )
    BK003 = (
        "Backup of another shop",
        "This backup is of another shop or another location.",
        "Name a backup of this shop, or set the shop that it is of.",
    )
    BK004 = (
        "Backup not made",
        "A backup could not be written.",
        "Make room, and give the folder's owner the right to write there; nothing else was changed.",
    )
    BK005 = (
        "No such run",
        "No run of this number is on record.",
        'The last runs stand in `lightspeed-sync status`; all of them: `lightspeed-sync sql "SELECT * FROM runs"`.',
    )
    NT001 = (
        "Message not delivered",
        "An alert could not be delivered through a channel.",
        "It is kept and tried again. Check the channel's settings with `lightspeed-sync check config`.",
    )
    NT002 = (
        "Channel refused our sign-in",
        "A channel no longer accepts our credentials.",
        "Renew the credentials of that channel.",
    )
    NT003 = (
        "No such alert",
        "There is no alert of this name.",
        "Names stand in alerts.yaml; see what fires with `lightspeed-sync alerts list`.",
    )
    NT004 = (
        "Silence not taken",
        "A silence needs a reason, and an end within thirty days.",
        'Write it like `lightspeed-sync alerts silence NAME --for 2h --reason "stock-take"`.',
    )
    NT005 = (
        "No such channel",
        "There is no channel of this name, or it cannot be used.",
        "Channels stand under `channels` in alerts.yaml, their credentials in the environment: see `lightspeed-sync check config`.",
    )
    NT006 = (
        "Alert does not fire",
        "This alert does not fire, so there is nothing to take into one's hands.",
        "See what fires with `lightspeed-sync alerts list`; `alerts silence NAME` hides one that is to come.",
    )
    NT007 = (
        "No such silence",
        "No silence of this number stands.",
        "See those that stand, with their numbers, with `lightspeed-sync alerts list`.",
    )
    NT008 = (
        "Silence would hide nothing",
        "No alert in alerts.yaml is like that, so this would hide nothing.",
        "Labels and severities stand beside each alert in alerts.yaml.",
    )
    IN001 = (
        "Internal error",
        "Something happened that we did not foresee.",
        "Nothing was half-written. Please report it with the log line that carries this code.",
    )

    def __init__(self, title: str, sentence: str, remedy: str) -> None:
        self.title = title
        self.sentence = sentence
        self.remedy = remedy
