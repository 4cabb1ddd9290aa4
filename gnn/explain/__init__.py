"""Why a sender or domain is risky: evidence that sums to its score, and what of it the score needs. Changes none."""

from gnn.explain.parts import EXPLAINED_FROM, TOLERANCE
from gnn.explain.reasons import LEAST_CONTRIBUTION, LISTED, check_sums, reasons

__all__ = ["EXPLAINED_FROM", "LEAST_CONTRIBUTION", "LISTED", "TOLERANCE", "check_sums", "reasons"]
