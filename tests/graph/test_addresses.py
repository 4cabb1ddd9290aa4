"""Mailboxes, hosts and networks have one spelling each."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.addresses import RULES, canonical_host, network_of, normalise_mailbox, registrable_domain

HOSTS = st.one_of(
    st.from_regex(r"[a-zA-Z0-9_-]{1,12}(\.[a-zA-Z0-9-]{1,8}){0,4}\.?", fullmatch=True),
    st.sampled_from(["bücher.example", "a.github.io", "github.io", "co.uk", "3232235777", "[2001:db8::1]", "a.s3.com"]),
    st.text(max_size=30),
)


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("a.b.example.co.uk", "example.co.uk"),
        ("WWW.Example.COM.", "example.com"),
        ("mail.host.example", "host.example"),
        ("www.Bücher.example", "xn--bcher-kva.example"),
        ("alice.github.io", "alice.github.io"),
        ("github.io", "github.io"),
        ("192.0.2.7", "192.0.2.7"),
        ("0xC0000207", "192.0.2.7"),
        ("[2001:DB8:0::1]", "2001:db8::1"),
        ("co.uk", None),
        ("localhost", None),
        ("a..example", None),
        ("-a.example", None),
        ("1.2.3.256", None),
        ("1.2.3.4.5", None),
        ("a" * 64 + ".example", None),
        ("a." * 5000 + "example", None),
        ("", None),
    ],
)
def test_a_host_is_reduced_to_the_domain_that_somebody_registered(host: str, domain: str | None) -> None:
    assert registrable_domain(host) == domain


@settings(deadline=None, max_examples=150)
@given(HOSTS)
def test_reducing_a_registrable_domain_again_changes_nothing(host: str) -> None:
    once = registrable_domain(host)
    assert once is None or registrable_domain(once) == once


@settings(deadline=None, max_examples=150)
@given(HOSTS)
def test_a_canonical_host_is_its_own_canonical_host(host: str) -> None:
    once = canonical_host(host)
    assert once is None or canonical_host(once) == once


@pytest.mark.parametrize(
    ("address", "rule", "mailbox"),
    [
        ("A.li.ce+News@GoogleMail.com", "gmail", "alice@gmail.com"),
        ("A.li.ce+News@GoogleMail.com", "off", "a.li.ce+news@googlemail.com"),
        ("a.b+tag@outlook.com", "gmail", "a.b@outlook.com"),
        ("a.b+tag@corp.example", "gmail", "a.b+tag@corp.example"),
        (" Bob@Bücher.example ", "gmail", "bob@xn--bcher-kva.example"),
        ("+tag@gmail.com", "gmail", "+tag@gmail.com"),
        (" Account-17 ", "gmail", "Account-17"),
    ],
)
def test_a_mailbox_is_spelled_by_the_rule(address: str, rule: str, mailbox: str) -> None:
    assert normalise_mailbox(address, rule) == mailbox


@settings(deadline=None, max_examples=200)
@given(
    st.one_of(st.text(max_size=40), st.from_regex(r"[A-Za-z.+\"]{0,12}@(gmail\.com|GoogleMail\.com|a\.example)\.?")),
    st.sampled_from(RULES),
)
def test_normalising_a_mailbox_again_changes_nothing(address: str, rule: str) -> None:
    once = normalise_mailbox(address, rule)
    assert normalise_mailbox(once, rule) == once


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'dots'.*off, gmail"):
        normalise_mailbox("a@x.example", "dots")


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("192.0.2", None),
        ("", None),
        (None, None),
    ],
)
def test_an_address_belongs_to_its_network(ip: str | None, network: str | None) -> None:
    assert network_of(ip) == network
