"""Every way of writing a key means the node that its plain spelling means, and no other."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.keys import Nodes, aliases, canonical_key, meant_instead, refanged, spellings, with_nodes_own_keys

DOMAINS = ["evil.test", "198.51.100.7", "2001:db8::1", "xn--bcher-kva.example", "login.evil.test"]
SENDERS = ["ann@evil.test", "ann.b+c@evil.test", "o'hara@xn--bcher-kva.example"]
DEFANGED = [("[.]", "."), ("(.)", "."), ("{.}", "."), ("[dot]", "."), (" [.] ", ".")]


def domain_spellings(domain: str) -> list[str]:
    host = f"[{domain}]" if ":" in domain else domain
    out = [domain, domain.upper(), f" {domain} ", f"https://{host}/x?y#z", f"http://u:p@{host}:8080", f"<{host}>"]
    out += [f"//{host}/", f"{host}/path", f"HTTPS://{host.upper()}", f"hxxps://{host}/", f"hXXp[:]//{host}"]
    if ":" not in domain:
        out += [f"{domain}.", f"{domain}:8443", *(domain.replace(".", dot) for dot, _ in DEFANGED)]
    if ":" not in domain and not domain[0].isdigit():
        out += [
            f"www.{domain}",
            f"WWW.{domain}.",
            f"https://www.{domain}/",
            f"hxxp://www[.]{domain.replace('.', '[.]')}",
        ]
    return out


def sender_spellings(sender: str) -> list[str]:
    return [
        sender,
        sender.upper(),
        f"mailto:{sender}",
        f"MAILTO:{sender}?subject=x",
        f"<{sender}>",
        f"Ann B. <{sender}>",
        f'"Ann" <{sender}>',
        f" {sender} ",
        f"{sender}.",
        sender.replace("@", "[@]"),
        sender.replace("@", " [at] ").replace(".test", "[.]test"),
        sender.replace("@", "(at)").replace(".example", "(dot)example"),
    ]


@pytest.mark.parametrize(("domain", "spelling"), [(each, way) for each in DOMAINS for way in domain_spellings(each)])
def test_every_spelling_of_a_domain_is_the_domain(domain: str, spelling: str) -> None:
    assert canonical_key("domain", spelling) == domain


@pytest.mark.parametrize(("sender", "spelling"), [(each, way) for each in SENDERS for way in sender_spellings(each)])
def test_every_spelling_of_a_mailbox_is_the_mailbox(sender: str, spelling: str) -> None:
    assert canonical_key("sender", spelling) == sender
    assert canonical_key("recipient", spelling) == sender


def test_unicode_hosts_are_written_in_idna() -> None:
    assert canonical_key("domain", "https://Bücher.example/") == "xn--bcher-kva.example"
    assert canonical_key("sender", "Ann@Bücher.example") == "ann@xn--bcher-kva.example"


@pytest.mark.parametrize("key", ["user-17", " User17 ", "c-1234", "www.test", "www.co.uk", "evil .test", ""])
def test_what_is_neither_address_nor_host_with_a_prefix_stays(key: str) -> None:
    assert canonical_key("sender", key) == key.strip()
    assert canonical_key("domain", key) in (key.strip(), key.strip().lower())


def test_a_host_below_a_site_is_not_the_site_but_the_site_is_named() -> None:
    assert canonical_key("domain", "https://login.evil.test/x") == "login.evil.test"
    assert meant_instead("domain", "https://login.evil.test/x") == "evil.test"
    assert meant_instead("domain", "evil.test") is None
    assert meant_instead("sender", "ann@login.evil.test") is None


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(["sender", "recipient", "domain", "campaign"]), st.text(max_size=80))
def test_no_text_raises_and_the_canonical_spelling_is_its_own(kind: str, key: str) -> None:
    once = canonical_key(kind, key)
    assert canonical_key(kind, once) == once
    assert spellings(kind, key)[0] == key


@settings(deadline=None, max_examples=200)
@given(st.text(st.sampled_from("h tpx:/[].()@at dow{}s"), max_size=60))
def test_refanging_ends_and_is_its_own_end_on_plain_text(text: str) -> None:
    refanged(text)
    assert refanged("https://evil.test/a(b)c") == "https://evil.test/a(b)c"


NODES = pa.chunked_array([["Bob@X.test", "b.ob@gmail.com", "bob@gmail.com", "bob@y.test", "user-1", "a+b@z.test"]])


def test_only_keys_that_are_written_otherwise_have_a_second_name() -> None:
    assert aliases("sender", NODES) == {"bob@x.test": ("Bob@X.test",), "bob@gmail.com": ("b.ob@gmail.com",)}
    assert aliases("domain", NODES) == {}


@pytest.mark.parametrize(
    ("asked", "met"),
    [
        ("Bob@X.test", ("Bob@X.test",)),
        ("bob@x.test", ("Bob@X.test",)),
        ("mailto:BOB@x.TEST", ("Bob@X.test",)),
        ("bob@gmail.com", ("bob@gmail.com",)),  # the exact spelling counts first
        ("B.O.B@googlemail.com", ("b.ob@gmail.com", "bob@gmail.com")),  # one mailbox, under all that it is called
        ("BOB@Y.test", ("bob@y.test",)),
        ("user-1", ("user-1",)),
        ("USER-1", ()),  # an account id is what it is
        ("nobody@y.test", ()),
    ],
)
def test_a_key_meets_the_exact_node_first_and_then_all_that_are_the_same_mailbox(asked: str, met: tuple[str]) -> None:
    assert Nodes("sender", NODES).met_by([asked]) == {asked: met}


def test_rows_get_the_keys_of_the_nodes_they_mean_and_those_that_mean_nobody_are_told() -> None:
    rows = pa.table(
        {
            "kind": ["sender", "sender", "domain", "campaign"],
            "key": ["BOB@Y.test", "nobody@y.test", "https://evil.test/", "c-1"],
            "verdict": ["malicious", "benign", "malicious", "benign"],
        }
    )
    nodes = {"sender": Nodes("sender", NODES), "domain": Nodes("domain", pa.chunked_array([["evil.test"]]))}
    moved, unmatched = with_nodes_own_keys(rows, nodes)
    assert moved["key"].to_pylist() == ["bob@y.test", "nobody@y.test", "evil.test", "c-1"]
    assert moved["verdict"].to_pylist() == rows["verdict"].to_pylist()
    assert unmatched == (("sender", "nobody@y.test"),)
