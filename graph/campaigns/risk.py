"""How risky a campaign is as a whole, and which campaigns have one operator. Knows margins and shared artefacts."""

import base64
import hashlib

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

SIZE_BONUS = 0.3  # log-odds a unit of log(n / 5): more independent senders, more certain (METHODS of the lab)
OPERATION_SHARE = 0.2  # of the members of both campaigns must use the artefact
OPERATION_PURITY = 0.8  # of the artefact's users must be members of campaigns
OPERATION_KINDS = 2  # kinds of infrastructure in common: one alone may be a rented server that changed hands


def group_logits(group: NDArray[np.int64], margins: NDArray[np.float64], groups: int) -> NDArray[np.float64]:
    """Log-odds of each group: mean of its members' plus the size bonus, shape (groups,)."""
    member = group >= 0
    size = np.bincount(group[member], minlength=groups)
    mean = np.bincount(group[member], weights=margins[member], minlength=groups) / np.maximum(size, 1)
    return np.asarray(mean + SIZE_BONUS * np.log(np.maximum(size, 1) / 5))


def operations(inside: list[sp.csr_matrix], users: list[NDArray[np.int64]], sizes: NDArray[np.int64]) -> list[int]:
    """The operation of each group as the number of its first group, −1 where it stands alone.

    `inside[k]` is artefact × group (members that use it), `users[k]` all users of each artefact, one entry for each
    kind of infrastructure.
    """
    kinds = sp.csr_matrix((len(sizes), len(sizes)))
    for count, everybody in zip(inside, users, strict=True):
        pure = np.asarray(count.sum(axis=1)).ravel() >= OPERATION_PURITY * np.maximum(everybody, 1)
        share = (sp.diags(pure.astype(float)) @ count @ sp.diags(1 / np.maximum(sizes, 1))).tocsr()
        strong = (share >= OPERATION_SHARE).astype(float)
        both = (strong.T @ strong).tocsr()
        both.data = np.ones_like(both.data)
        kinds = kinds + both
    kinds.data = (kinds.data >= OPERATION_KINDS).astype(float)
    kinds.eliminate_zeros()
    _, part = connected_components(kinds, directed=False)
    first: dict[int, int] = {}
    for group, component in enumerate(part.tolist()):
        first.setdefault(component, group)
    many = np.bincount(part, minlength=len(sizes)) > 1 if len(sizes) else np.zeros(0, dtype=bool)
    return [first[component] if many[component] else -1 for component in part.tolist()]


def operation_id(campaign_id: str) -> str:
    """An operation's id, from its first campaign's."""
    digest = hashlib.blake2b(campaign_id.encode(), digest_size=10).digest()
    return "o-" + base64.b32encode(digest).decode().lower()
