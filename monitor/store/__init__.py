"""What the monitor keeps: the rules' states, incidents, and one durable row for each message to each channel.

An evaluation's outcome, states, incidents and messages together, is one transaction. A message is claimed by
compare-and-set, so that of two workers one gets it:

    due --claim--> sending --taken--> done
     ^                | `--nobody knows--> ambiguous --claim, marked as a possible repeat--> sending
     `--not delivered-'       due, ambiguous --too old, and not the first of a firing alert--> dead
"""

from monitor.store.incidents import Incident
from monitor.store.judged import Judged, Place
from monitor.store.messages import Claim, Terms
from monitor.store.store import Store
from monitor.store.tell import Telling, Told

__all__ = ["Claim", "Incident", "Judged", "Place", "Store", "Telling", "Terms", "Told"]
