"""Addresses are found in any header value, in linear time, and hold nothing that no address can."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.read.people import addresses_in_names, addresses_of, misplaced_addresses_of

BOB, CAROL = "bob@home.example", "carol@home.example"


@pytest.mark.parametrize(
    "value",
    [
        "Team:bob@home.example,carol@home.example;",
        "Team: bob@home.example , carol@home.example ;",
        "Team:bob@home.example;Other:carol@home.example;",
        '"Team: ours":bob@home.example,carol@home.example;',
        "Team:<bob@home.example>,<carol@home.example>;",
        "bob@home.example,carol@home.example",
        "bob@home.example;carol@home.example;",
        "<bob@home.example;carol@home.example>",
        "<bob@home.example>, carol@home.example,",
        "undisclosed-recipients:;, bob@home.example, carol@home.example",
        "smtp:bob@home.example,SMTP:carol@home.example",
    ],
)
def test_lists_and_groups_give_each_of_their_addresses(value: str) -> None:
    assert addresses_of(value) == [BOB, CAROL]


def test_a_quoted_local_part_keeps_its_colon_and_comma() -> None:
    assert addresses_of('"a:b,c"@home.example') == ['"a:b,c"@home.example']


@pytest.mark.parametrize("value", [f"Bob ({BOB})", f'<"{BOB}">', f'"{BOB}"'])
def test_a_misplaced_address_is_seen_by_the_second_look_alone(value: str) -> None:
    assert not addresses_of(value)
    assert misplaced_addresses_of(value) == [BOB]


def test_a_name_beside_an_empty_address_is_a_name() -> None:
    assert not misplaced_addresses_of(f'"{BOB}" <>')
    assert addresses_in_names(f'"{BOB}" <>') == addresses_in_names(f"{BOB} <>") == [BOB]


@pytest.mark.parametrize("read", [addresses_of, misplaced_addresses_of, addresses_in_names])
@settings(deadline=None, max_examples=300)
@given(value=st.text(alphabet="ab.@<>()\",;: \\'", max_size=60))
def test_no_host_holds_a_separator(read: object, value: str) -> None:
    assert callable(read)
    for address in read(value):
        local, _, host = address.rpartition("@")
        assert local
        assert host
        assert not set(host) & set(' ,;<>()"')


@pytest.mark.parametrize("pattern", ["<", '<"', "<'a", "(", '"', "a@", "a@b,", ":", '<"a@', '<" ', "\\"])
def test_a_long_value_costs_no_more_than_its_length(pattern: str) -> None:
    value = (pattern * 262_144)[:262_144] + "@x"
    started = time.process_time()
    for read in (addresses_of, misplaced_addresses_of, addresses_in_names):
        read(value)
    assert time.process_time() - started < 5  # a quadratic reading takes minutes


@pytest.mark.parametrize(
    "value", ["<undisclosed-recipients:@list.example;>", "undisclosed-recipients:@list.example;", "a@"]
)
def test_the_name_of_a_group_is_no_mailbox(value: str) -> None:
    assert not addresses_of(value)
