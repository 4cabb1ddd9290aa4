"""No text cell runs as a formula, and every text comes back."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.spreadsheets import as_text, original

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠a")


def cells(*texts: str | None) -> list[str | None]:
    values: list[str | None] = as_text(pa.table({"text": pa.array(texts, pa.string())}))["text"].to_pylist()
    return values


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_text(text):
    assert cells(text) == [f"'{text}"]


@pytest.mark.parametrize("text", ["", "a=b", "o'neil@x.example", "'tis", "a-b", None])
def test_other_text_stays_as_it_is(text):
    assert cells(text) == [text]


@given(st.lists(st.text("'=+-@\t\r\nab", max_size=6) | st.text(max_size=6), max_size=5))
def test_every_text_comes_back_and_none_begins_like_a_formula(texts):
    written = cells(*texts)
    assert [original(cell) for cell in written if cell is not None] == texts
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in written if cell is not None)


def test_numbers_stay_numbers():
    rows = pa.table({"gain": [-1.5, None], "rank": [-1, 2]})
    assert as_text(rows).equals(rows)
