"""What a judging hands to the records: each rule's transition, whom it is to be told, and what hides it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from monitor.decide import Hidden
from monitor.hiding import Subject
from monitor.rules import Phase, Rule, Sample, Transition


@dataclass(frozen=True, slots=True)
class Place:
    """Where an alert is told: a channel, and one of its recipients where it reaches each by itself.

    `step` is how long nobody must have acknowledged the alert for this place to be told.
    """

    channel: str
    recipient: str = ""
    step: timedelta | None = None

    def __str__(self) -> str:
        """Name it on record."""
        return f"{self.channel} {self.recipient}".rstrip()

    @classmethod
    def named(cls, name: str) -> Place:
        """Return the place of a name on record."""
        channel, _, recipient = name.partition(" ")
        return cls(channel, recipient)

    @property
    def slug(self) -> str:
        """Name it in the identity of a message."""
        return str(self).replace(" ", "")


@dataclass(frozen=True, slots=True)
class Judged:
    """What an evaluation made of one rule; `rule` and `subject` are None where it is no longer in the file."""

    name: str
    rule: Rule | None
    transition: Transition
    subject: Subject | None = None
    places: tuple[Place, ...] = ()
    repeat: timedelta = timedelta(hours=4)
    hidden: Hidden | None = None

    @property
    def matters(self) -> bool:
        """Tell whether there is anything to keep or to tell: quiet rules leave no trace."""
        return (self.transition.before.phase, self.transition.after.phase) != (Phase.OK, Phase.OK)

    @property
    def sample(self) -> Sample:
        """Return the sample that it is about."""
        return self.transition.sample
