"""Weighted cores of a bipartite graph: how dense a crowd each row belongs to. Knows edges and weights, no mail.

A row's core number is the largest δ such that it is in a subgraph all whose rows and columns keep a weighted degree of
δ. Where a weight depends on nothing but its column's own edges, camouflage cannot lower it: whatever else the members
of a block touch, the block is still there (Hooi et al. 2016, FRAUDAR, theorem 3, for cores in place of the mean degree;
every row of the densest subgraph has a core number of at least its density, and a core of number δ has half of it).
"""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ids = NDArray[np.int64]

STEP = 1.05  # core numbers are told up to this factor: all rows of a step are peeled at once
FEW = 2_000  # edges taken away at once under which single subtractions are faster than a pass over all nodes


def weighted_cores(row: Ids, column: Ids, weight: Array, rows: int, step: float = STEP) -> Array:
    """Core number of each row, shape (rows,), at most a factor `step` too low; 0 where it has no edge.

    An edge is `row[e]` to `column[e]`, both from 0, with a `weight[e]` above 0.
    """
    nodes = rows + int(column.max(initial=-1)) + 1
    ends, others = np.concatenate([row, column + rows]), np.concatenate([column + rows, row])
    near = sp.csr_matrix((np.concatenate([weight, weight]), (ends, others)), shape=(nodes, nodes))
    degree = np.asarray(near.sum(axis=1), dtype=np.float64).ravel()
    left, core, line = degree > 0, np.zeros(nodes), 0.0
    while left.any():
        line = max(line, float(degree[left].min())) * step
        while len(out := np.flatnonzero(left & (degree < line))):
            core[out], left[out] = line / step, False
            _take_away(degree, near[out])
    return core[:rows]


def _take_away(degree: Array, gone: sp.csr_matrix) -> None:
    if gone.nnz < FEW:
        np.subtract.at(degree, gone.indices, gone.data)
    else:
        degree -= np.bincount(gone.indices, weights=gone.data, minlength=len(degree))
