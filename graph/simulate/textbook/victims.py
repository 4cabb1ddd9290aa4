"""People whose accounts are taken over: each once, and only after they have written letters of their own."""

import numpy as np
import numpy.typing as npt

from graph.simulate.rows import Ints, Longs, Rows
from graph.simulate.textbook.stage import Stage

PAST = 3  # letters that a victim wrote before
NEVER = np.iinfo(np.int64).max
MOST_TAKEN = 0.15  # of all people
CAUGHT = 0.5  # contacts with a past that open what a worm sends


class Victims:
    """Who is left to be taken over, and since when each has a past."""

    def __init__(self, stage: Stage, letters: Rows) -> None:
        self._s = stage
        people = stage.town.people
        order = np.lexsort((letters.ts, letters.sender))
        sender = letters.sender[order]
        nth = np.arange(len(order)) - np.searchsorted(sender, sender)
        at = np.flatnonzero((nth == PAST - 1) & (sender < people))
        self._since = np.full(people, NEVER)
        self._since[sender[at]] = letters.ts[order[at]]
        self._left = int(MOST_TAKEN * people)

    def take(self, n: int, before: int) -> Ints:
        """At most n people with a past before that moment, from one neighbourhood or from anywhere."""
        known = np.flatnonzero(self._since < before)
        near = self._s.rng.random() < 0.5
        start = int(self._s.rng.integers(0, max(len(known), 1)))
        chosen = np.roll(known, -start) if near else self._s.rng.permutation(known)
        return self._mark(chosen[: min(n, self._left)])

    def spread(self, n: int, first: int, lasts: int) -> tuple[Ints, Longs]:
        """At most n people that a worm takes over along contacts from `first` on, and when."""
        rng, town = self._s.rng, self._s.town
        new = self._mark(rng.permutation(np.flatnonzero(self._since < first))[: min(2, n, self._left)])
        when = np.full(len(new), first)
        people, moments = [new], [when]
        while len(new) and (room := min(n - sum(map(len, people)), self._left)) > 0:
            met = town.contacts[new]
            reached, source = met.ravel(), np.repeat(np.arange(len(met)), met.shape[1])
            known = np.minimum(reached, town.people - 1)
            falls = (reached < town.people) & (self._since[known] < first) & (rng.random(len(reached)) < CAUGHT)
            fallen, at = np.unique(reached[falls], return_index=True)
            chosen = rng.permutation(len(fallen))[:room]
            when = when[source[falls][at[chosen]]] + rng.exponential(lasts / 12, len(chosen)).astype(np.int64)
            new = self._mark(fallen[chosen])
            people.append(new)
            moments.append(when)
        return np.concatenate(people), np.concatenate(moments)

    def _mark(self, people: npt.NDArray[np.integer]) -> Ints:
        self._since[people] = NEVER
        self._left -= len(people)
        return people.astype(np.int32)
