"""Cursors lead back to where they were made, and nowhere else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.cursors import decode_cursor, encode_cursor
from api.problems import ProblemError

queries = st.dictionaries(st.text(max_size=8), st.text(max_size=8) | st.integers() | st.none(), max_size=4)
positions = st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.text(st.characters(codec="utf-8")))


@settings(deadline=None)
@given(queries, positions)
def test_a_cursor_leads_back_to_its_position(query: dict[str, object], position: tuple[float, str]) -> None:
    assert tuple(decode_cursor(encode_cursor(query, position), query, (float, str))) == position


@settings(deadline=None)
@given(queries, queries, positions)
def test_a_cursor_is_good_for_its_own_query_only(
    one: dict[str, object], other: dict[str, object], position: tuple[float, str]
) -> None:
    said = [{name: value for name, value in query.items() if value is not None} for query in (one, other)]
    if said[0] == said[1]:
        return
    with pytest.raises(ProblemError) as refused:
        decode_cursor(encode_cursor(one, position), other, (float, str))
    assert (refused.value.status, refused.value.code) == (400, "CURSOR-INVALID")


@settings(deadline=None)
@given(st.text() | st.binary().map(lambda raw: raw.hex()))
def test_what_was_no_cursor_is_a_problem_and_nothing_worse(text: str) -> None:
    with pytest.raises(ProblemError):
        decode_cursor(text, {}, (float, str))


def test_a_position_of_another_shape_is_refused() -> None:
    with pytest.raises(ProblemError):
        decode_cursor(encode_cursor({}, ("x", "y")), {}, (float, str))
    with pytest.raises(ProblemError):
        decode_cursor(encode_cursor({}, (1.0,)), {}, (float, str))
