"""Columns of any Arrow type as clean strings or lists of strings. Knows no contract and no files.

A column is judged by what it holds, not by its type: a column of nulls is a column of nulls whatever it calls itself,
and a whole number is the id that it spells.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graph import schema
from graph.read.lists import NOTHING, ListError, entries_of_cell

Fault = Callable[[Any, str], None]  # a mask of rows and the reason

_EXACT: Final = 2**53  # whole numbers up to here have a float of their own
_NOTATION: Final = r"""[\[\]{}()"'<]"""  # a cell with one of these may be a list in another notation than `a;b`


def mask_of(booleans: Any) -> np.ndarray:
    """An Arrow array of booleans as numpy; null is False."""
    return np.asarray(booleans.fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)


def decoded(array: pa.Array) -> pa.Array:
    """The array without its wrapping: dictionaries resolved, extension types as what they are stored as."""
    while True:
        if isinstance(array, pa.ExtensionArray):
            if array.type.extension_name == "arrow.uuid":
                return pa.array([None if value is None else str(value) for value in array.to_pylist()], pa.string())
            array = array.storage
        elif pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        elif pa.types.is_run_end_encoded(array.type):
            array = pc.run_end_decode(array)
        else:
            return array


def is_texty(kind: pa.DataType) -> bool:
    """Whether a column of this type holds text, or bytes that may be text."""
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    binary = (
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_binary_view,
        pa.types.is_fixed_size_binary,
    )
    return any(test(kind) for test in (*tests, *binary))


def strings_of(array: pa.Array, name: str, fault: Fault) -> pa.Array:
    """The column as trimmed, valid UTF-8. What is no text and no whole number becomes null and a fault.

    So do bytes that are not UTF-8. What programs write for nothing (`nan`, `None`, …) becomes null.
    """
    array = decoded(array)
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), pa.string())
    if is_texty(array.type):
        return _without_nothing(_trimmed(array, name, fault))
    if pa.types.is_floating(array.type):
        return _of_floats(array, name, fault)
    if pa.types.is_integer(array.type) or (pa.types.is_decimal(array.type) and array.type.scale == 0):
        return array.cast(pa.string())
    fault_of_type(array, name, "string", fault)
    return pa.nulls(len(array), pa.string())


def fault_of_type(array: pa.Array, name: str, wanted: str, fault: Fault) -> None:
    """Every value of a column whose type cannot hold what is wanted is a fault; its nulls are none."""
    fault(mask_of(array.is_valid()), f"{name} holds {array.type}, not {wanted}")


def _of_floats(array: pa.Array, name: str, fault: Fault) -> pa.Array:
    """Whole numbers as text: pandas makes floats of ids where one is missing. NaN is null."""
    values = array.to_numpy(zero_copy_only=False).astype(np.float64)
    missing = np.isnan(values)
    whole = ~missing & (np.abs(np.where(missing, 0, values)) < _EXACT)
    whole &= np.where(whole, values, 0) % 1 == 0
    fault(~missing & ~whole, f"{name} holds {array.type}, not string")
    return pa.array(np.where(whole, values, 0).astype(np.int64), mask=~whole).cast(pa.string())


def _trimmed(array: pa.Array, name: str, fault: Fault) -> pa.Array:
    raw = array.cast(pa.binary())
    if is_plain(raw):
        return raw.cast(pa.string())
    try:
        texts = raw.cast(pa.string())
    except pa.ArrowInvalid:
        texts, wrong = _decoded_one_by_one(raw)
        fault(wrong, f"{name} is not UTF-8")
    return pc.utf8_trim_whitespace(texts)


def _without_nothing(texts: pa.Array) -> pa.Array:
    nothing = pc.is_in(texts, value_set=pa.array(sorted(NOTHING)))
    return pc.if_else(nothing, None, texts) if mask_of(nothing).any() else texts


def is_plain(raw: pa.Array) -> bool:
    """Whether the bytes are visible ASCII throughout: then there is nothing to decode, trim or refuse."""
    if not len(raw) or raw.buffers()[2] is None:
        return True
    offsets = np.frombuffer(raw.buffers()[1], np.int32)[raw.offset : raw.offset + len(raw) + 1]
    data = np.frombuffer(raw.buffers()[2], np.uint8)[offsets[0] : offsets[-1]]
    return data.size == 0 or bool(data.min() > 0x20 and data.max() < 0x7F)


def _decoded_one_by_one(raw: pa.Array) -> tuple[pa.Array, np.ndarray]:
    texts: list[str | None] = []
    wrong = np.zeros(len(raw), bool)
    for index, value in enumerate(raw.to_pylist()):
        try:
            texts.append(None if value is None else value.decode())
        except UnicodeDecodeError:
            texts.append(None)
            wrong[index] = True
    return pa.array(texts, pa.string()), wrong


# ---- Lists --------------------------------------------------------------------------------------------------


def lists_of(array: pa.Array, name: str, fault: Fault) -> tuple[pa.Array, np.ndarray]:
    """The column as lists of anything, and a mask of the rows whose list was read from a cell of text."""
    array = decoded(array)
    from_cells = np.zeros(len(array), bool)
    if _is_list(array.type):
        return _as_plain_list(array), from_cells
    if is_texty(array.type):
        lists = _of_cells(strings_of(array, name, fault), name, fault)
        return lists, np.ones(len(array), bool)
    if pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_null(array.type):
        return _singles(strings_of(array, name, fault)), from_cells
    fault_of_type(array, name, "list of string", fault)
    return pa.nulls(len(array), schema.TEXTS), from_cells


def _is_list(kind: pa.DataType) -> bool:
    views = (pa.types.is_list_view, pa.types.is_large_list_view)
    tests = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list, *views)
    return any(test(kind) for test in tests)


def _as_plain_list(array: pa.Array) -> pa.Array:
    kind = array.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return array
    if pa.types.is_fixed_size_list(kind):
        return array.cast(pa.list_(kind.value_type))
    return pa.array(array.to_pylist(), pa.list_(kind.value_type))  # Arrow casts views with nulls wrongly


def _singles(texts: pa.Array) -> pa.Array:
    """Lists of one; null stays null."""
    offsets = np.concatenate(([0], np.cumsum(mask_of(texts.is_valid())))).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(offsets), texts.drop_null())
    return pc.if_else(texts.is_valid(), lists, pa.scalar(None, schema.TEXTS))


def _of_cells(cells: pa.Array, name: str, fault: Fault) -> pa.Array:
    """Lists of text cells: `a;b` at once, other notations one by one."""
    odd = mask_of(pc.match_substring_regex(cells, _NOTATION))
    if not odd.any():
        return split_list(cells)
    lists: list[Sequence[str | None] | None] = []
    reasons: dict[str, np.ndarray] = {}
    for place, cell in zip(np.flatnonzero(odd).tolist(), cells.filter(pa.array(odd)).to_pylist(), strict=True):
        try:
            lists.append(entries_of_cell(cell))
        except ListError as error:
            lists.append(None)
            reasons.setdefault(str(error), np.zeros(len(cells), bool))[place] = True
    for reason, mask in reasons.items():
        fault(mask, f"{name} {reason}")
    usual = split_list(pc.if_else(pa.array(odd), None, cells))
    return pa.concat_arrays([usual, pa.array(lists, schema.TEXTS)]).take(pa.array(_places(odd)))


def _places(odd: np.ndarray) -> np.ndarray:
    """For each row its place among all rows followed by the odd ones."""
    places = np.arange(len(odd))
    places[odd] = len(odd) + np.arange(int(odd.sum()))
    return places


def split_list(texts: pa.Array) -> pa.Array:
    """Lists of the `;`-separated pieces of texts; blank pieces are dropped, a null text stays null."""
    tidy = pc.replace_substring_regex(texts, r"\s*;[;\s]*", ";")
    tidy = pc.utf8_trim(tidy, characters="; \t\r\n")
    pieces = pc.split_pattern(tidy, ";")
    return pc.if_else(pc.equal(tidy, ""), pa.scalar([], schema.TEXTS), pieces)
