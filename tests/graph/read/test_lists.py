"""A list in one cell is read in every notation that is clear; a doubtful one is refused with its reason."""

import json
from contextlib import suppress
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.read.lists import MAX_CELL, NOTHING, ListError, entries_of_cell, hosts_of_entry, mailboxes_of

ADDRESSES = st.from_regex(r"[a-z0-9][a-z0-9.'+_-]{0,8}@[a-z0-9]{1,8}\.example", fullmatch=True)


def numpy_text(entries: list[str]) -> str:
    return "[" + "\n ".join(map(repr, entries)) + "]"


NOTATIONS = {
    "contract": ";".join,
    "pandas": str,
    "tuple": lambda entries: str(tuple(entries)),
    "JSON": json.dumps,
    "numpy": numpy_text,
    "array": lambda entries: f"array({entries!r}, dtype=object)",
    "Postgres": lambda entries: "{" + ",".join(entries) + "}",
    "Postgres, quoted": lambda entries: "{" + ",".join(f'"{entry}"' for entry in entries) + "}",
    "Java": lambda entries: "[" + ", ".join(entries) + "]",
}


@pytest.mark.parametrize("write", NOTATIONS.values(), ids=NOTATIONS)
@settings(max_examples=40)
@given(entries=st.lists(ADDRESSES, min_size=1, max_size=4))
def test_every_notation_gives_the_entries_that_were_written(write, entries):
    assert entries_of_cell(write(entries)) == entries


@settings(max_examples=40)
@given(st.lists(ADDRESSES, min_size=2, max_size=4), st.sampled_from([",", ", ", " ", "|", " | "]))
def test_addresses_in_one_entry_are_told_apart(addresses, separator):
    assert mailboxes_of(separator.join(addresses)) == addresses


@pytest.mark.parametrize(
    ("cell", "entries"),
    [
        ("[]", []),
        ("{}", []),
        ("nan", None),
        ("None", None),
        ("[nan]", [None]),
        ("[None, 'a@x.example']", [None, "a@x.example"]),
        ("{NULL,a@x.example}", [None, "a@x.example"]),
        ("['null']", ["null"]),
        ("['']", [""]),
        ("('a@x.example',)", ["a@x.example"]),
        ("[17, 18]", ["17", "18"]),
        ('"Smith; Bob" <b@x.example>; c@x.example', ['"Smith; Bob" <b@x.example>', "c@x.example"]),
        ('["Smith, Bob" <b@x.example>, c@x.example]', ['"Smith, Bob" <b@x.example>', "c@x.example"]),
        ("['Smith, Bob <b@x.example>', 'c@x.example']", ["Smith, Bob <b@x.example>", "c@x.example"]),
        ("{6F9619FF-8B86-D011-B42D-00CF4FC964FF}", ["{6F9619FF-8B86-D011-B42D-00CF4FC964FF}"]),
    ],
)
def test_a_cell_is_read_as_the_program_meant_it(cell, entries):
    assert entries_of_cell(cell) == entries


@pytest.mark.parametrize(
    "cell",
    [
        "['a' 'b' ... 'z']",
        "[['a']]",
        "[{'email': 'a@x.example'}]",
        '{"a": 1}',
        "['a', 'b'",
        "[np.str_('a@x.example')]",
        "[true]",
        "[1.5]",
        "['\\xe9@x.example']",
        "['a]",
    ],
)
def test_a_doubtful_cell_is_refused(cell):
    with pytest.raises(ListError, match="not clear"):
        entries_of_cell(cell)


def test_a_cell_past_the_bound_is_refused_unread():
    with pytest.raises(ListError, match="more than"):
        entries_of_cell("[" + "a," * MAX_CELL + "]")


@pytest.mark.parametrize(
    ("entry", "addresses"),
    [
        ("Bob <b@x.example>", ["b@x.example"]),
        ('"Smith, Bob" <b@x.example>, c@x.example', ["b@x.example", "c@x.example"]),
        ("Smith, Bob <b@x.example>", ["b@x.example"]),
        ("mailto:b@x.example", ["b@x.example"]),
        ("'b@x.example'", ["b@x.example"]),
        ('"b@x.example","c@x.example"', ["b@x.example", "c@x.example"]),
        ('"john smith"@x.example', ['"john smith"@x.example']),
        ("b@[192.0.2.1]", ["b@[192.0.2.1]"]),
        ("an account", ["an account"]),
        ("doe,john", ["doe,john"]),
    ],
)
def test_an_entry_gives_its_addresses_without_names(entry, addresses):
    assert mailboxes_of(entry) == addresses


@pytest.mark.parametrize(
    "entry", ["Bob Smith b@x.example", "b@home@x.example", "a@x.example/b@x.example", "[a@x.example"]
)
def test_an_entry_that_is_no_address_is_refused(entry):
    with pytest.raises(ListError, match="no mail address"):
        mailboxes_of(entry)


def test_a_comma_between_account_ids_is_doubtful_in_a_cell_only():
    with pytest.raises(ListError, match="comma"):
        mailboxes_of("u1,u2", in_cell=True)
    assert mailboxes_of("u1,u2") == ["u1,u2"]


@pytest.mark.parametrize(
    ("entry", "hosts"),
    [
        ("https://evil.test/login?x=1", ["evil.test"]),
        ("HTTP://User:Pass@EVIL.test:8080/", ["evil.test"]),
        ("//evil.test/x", ["evil.test"]),
        ("evil.test:8443", ["evil.test"]),
        ("evil.test/path", ["evil.test"]),
        ("evil.test?x", ["evil.test"]),
        ("evil.test/x@y", ["evil.test"]),
        ("user@evil.test", ["evil.test"]),
        ("hxxps://evil[.]test/a", ["evil.test"]),
        ("evil(.)test", ["evil.test"]),
        ("[2001:db8::1]:443", ["2001:db8::1"]),
        ("2001:db8::1", ["2001:db8::1"]),
        ("a.test, b.test", ["a.test", "b.test"]),
        ("https://a.test/x,https://b.test/y", ["a.test", "b.test"]),
        ("https://a.test/x,y.html", ["a.test"]),
        ("mailto:a@b.test", []),
        ("javascript:alert(1)", []),
        ("localhost:80", []),
        ("https://bücher.test/x", ["xn--bcher-kva.test"]),
    ],
)
def test_an_entry_of_domains_gives_its_hosts(entry, hosts):
    assert hosts_of_entry(entry) == hosts


@pytest.mark.parametrize("entry", ["b=2", "evil.test:99999999", "*.evil.test", "https://", "a.test, (b)", "evil test!"])
def test_an_entry_that_is_no_host_is_refused(entry):
    with pytest.raises(ListError, match="no host"):
        hosts_of_entry(entry)


def test_a_comma_in_the_path_of_a_url_is_doubtful_in_a_cell_only():
    with pytest.raises(ListError, match="no host"):
        hosts_of_entry("https://a.test/x,y.html", in_cell=True)


@settings(max_examples=300)
@given(st.text(st.sampled_from("[]{}()'\"\\,;|<>@ ab.\n:/#?=") | st.characters(), max_size=40))
def test_any_text_is_read_or_refused_with_a_reason(text):
    for read in (entries_of_cell, mailboxes_of, hosts_of_entry):
        try:
            entries = read(text) or []
        except ListError as error:
            assert str(error)  # noqa: PT017  either way it ends in one of the two
        else:
            assert all(entry is None or isinstance(entry, str) for entry in entries)


SECONDS = 5.0  # work in proportion takes a fifth of a second, work in the square minutes
HOSTILE = ['"\\"' * 100_000, '["' + 'a","' * 100_000, "<a" * 200_000, "[" * 200_000 + "]" * 200_000, "'" * 300_000]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_takes_time_in_proportion_to_its_length(text):
    for read in (entries_of_cell, mailboxes_of, lambda text: mailboxes_of("@" + text), hosts_of_entry):
        start = process_time()
        with suppress(ListError):
            read(text)
        assert process_time() - start < SECONDS


def test_what_stands_for_nothing_is_no_entry():
    assert {entries_of_cell(text) for text in NOTHING} == {None}
