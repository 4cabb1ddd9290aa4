"""One row a campaign with all that is said of it as a whole: risk's grounds, signature, harm, timing. Computes none."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from graph import schema
from graph.campaigns.assess import Assessments
from graph.campaigns.harm import Harm
from graph.campaigns.signature import Signature
from graph.campaigns.timing import Timing


def profiles(
    names: NDArray[np.object_],
    assessed: Assessments,
    signatures: Sequence[Signature],
    harms: Sequence[Harm],
    timings: Sequence[Timing],
) -> pa.Table:
    """Rows of graph.schema.PROFILES, by campaign id."""
    rows = [
        {
            "campaign_id": name,
            "assessment": _assessment(assessed, at),
            "signature": _signature(signatures[at]),
            "harm": asdict(harms[at]),
            "timing": asdict(timings[at]),
        }
        for at, name in enumerate(names.tolist())
    ]
    return pa.Table.from_pylist(sorted(rows, key=lambda row: str(row["campaign_id"])), schema=schema.PROFILES)


def _assessment(assessed: Assessments, at: int) -> dict[str, Any]:
    return {
        "log_odds": float(assessed.log_odds[at]),
        "members_log_odds": float(assessed.members_log_odds[at]),
        "evidence_log10_p": float(assessed.evidence_log10_p[at]),
        "kinds": int(assessed.kinds[at]),
        "insufficient_data": bool(assessed.insufficient[at]),
        "reason": assessed.reason[at],
    }


def _signature(found: Signature) -> dict[str, Any]:
    clauses = [
        [{"relation": trait.relation, "artefact": trait.artefact} for trait in clause] for clause in found.clauses
    ]
    return {
        "clauses": clauses,
        "inside": found.inside,
        "outside": found.outside,
        "members": found.members,
        "precision": found.precision if clauses else None,
        "recall": found.recall,
        "sentence": found.sentence,
    }
