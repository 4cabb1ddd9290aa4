"""Where the last refresh left off: the group of every sender then, for a search to begin from. Finds no group."""

import numpy as np
from numpy.typing import NDArray

from graph.campaigns.identity import Known
from graph.values import Window


def last_groups(known: Known | None, window: Window) -> NDArray[np.int64]:
    """The campaign that each sender of the window was in at the last refresh, as a number, or −1; shape (senders,).

    Campaigns are numbered in the order of their ids; sleeping ones count, since their members may wake. A sender of
    two is in the one that it belongs to most.
    """
    keys = window.senders["key"].to_pylist()
    if known is None:
        return np.full(len(keys), -1, np.int64)
    number = {name: at for at, name in enumerate(sorted(known.campaigns["campaign_id"].to_pylist()))}
    columns = (known.members[name].to_pylist() for name in ("weight", "campaign_id", "role", "key"))
    inside = sorted((row for row in zip(*columns, strict=True) if row[2] == "sender"), key=lambda row: (row[0], row[1]))
    group = {key: number[name] for _, name, _, key in inside if name in number}
    return np.array([group.get(key, -1) for key in keys], dtype=np.int64)
