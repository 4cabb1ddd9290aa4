"""What a member's key is called in STIX and MISP."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.indicators import indicator_of

WORDS = [
    ("domain", "198.51.100.7", "[ipv4-addr:value = '198.51.100.7']", "ip-dst"),
    ("domain", "2001:db8::1", "[ipv6-addr:value = '2001:db8::1']", "ip-dst"),
    ("domain", "[2001:db8::1]", "[ipv6-addr:value = '2001:db8::1']", "ip-dst"),
    ("domain", "[::ffff:198.51.100.7]", "[ipv4-addr:value = '198.51.100.7']", "ip-dst"),
    ("domain", "shop.example", "[domain-name:value = 'shop.example']", "domain"),
    ("domain", "198.51.100.example", "[domain-name:value = '198.51.100.example']", "domain"),
    ("domain", "xn--mnchen-3ya.example", "[domain-name:value = 'xn--mnchen-3ya.example']", "domain"),
    ("network", "198.51.100.0/24", "[ipv4-addr:value ISSUBSET '198.51.100.0/24']", "ip-src"),
    ("network", "2001:db8::/48", "[ipv6-addr:value ISSUBSET '2001:db8::/48']", "ip-src"),
    ("sender", "a@x.example", "[email-addr:value = 'a@x.example']", "email-src"),
    ("sender", "a@[198.51.100.7]", "[email-addr:value = 'a@[198.51.100.7]']", "email-src"),
    ("sender", "account 7", "[user-account:user_id = 'account 7']", "text"),
    ("sender", "198.51.100.7", "[user-account:user_id = '198.51.100.7']", "text"),
    ("sender", "@handle", "[user-account:user_id = '@handle']", "text"),
]


@pytest.mark.parametrize(("kind", "key", "pattern", "misp"), WORDS)
def test_a_key_is_called_what_it_is(kind, key, pattern, misp):
    indicator = indicator_of(kind, key)
    assert (indicator.pattern, indicator.misp) == (pattern, misp)


@given(st.ip_addresses())
def test_every_address_that_stands_as_a_host_is_an_address_of_its_version(address):
    indicator = indicator_of("domain", str(address))
    mapped = getattr(address, "ipv4_mapped", None) or address
    assert indicator.pattern == f"[ipv{mapped.version}-addr:value = '{mapped}']"
    assert ipaddress.ip_address(indicator.value) == mapped


@given(st.text("ab'\\. ", min_size=1))
def test_a_pattern_ends_where_its_quotes_end(key):
    body = indicator_of("domain", key).pattern.removeprefix("[domain-name:value = '").removesuffix("']")
    assert body.replace("\\\\", "").replace("\\'", "").count("'") == 0
    assert body.replace("\\'", "'").replace("\\\\", "\\") == key


def test_an_account_id_is_nothing_to_look_for_in_traffic():
    assert not indicator_of("sender", "account 7").detects
    assert indicator_of("domain", "198.51.100.7").detects
