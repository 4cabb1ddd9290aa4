"""The hosts a reader of a text could follow a link to, and no others."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.addresses import canonical_host
from graph.read.hosts import MAX_HOSTS, distinct_hosts, hosts_of_html, hosts_of_text


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("see HTTP://Www.Link.EXAMPLE/x.", ["www.link.example"]),
        ("(www.link.example), https://b.example;", ["www.link.example", "b.example"]),
        ("http://user:pass@link.example:8080/", ["link.example"]),
        ("http://bank.example@link.example/", ["link.example"]),
        ("http://3232235777/", ["192.168.1.1"]),
        ("http://[2001:DB8::1]:80/x", ["2001:db8::1"]),
        ("http://%6cink.example/", ["link.example"]),
        ("http:\\\\link.example\\a", ["link.example"]),
        ("http://bücher.example/", ["xn--bcher-kva.example"]),
        ("请看http://link.com点击", ["link.com"]),
        ("https://r.example/?to=https://link.example/", ["r.example", "link.example"]),
        ("a@www.mail.example and x.www.y.example", []),
        ("http://localhost/ http:///x http://a..b/ http://-/", []),
        ("gopher://old.example/ link.example", []),
    ],
)
def test_bare_links_are_found_in_plain_text(text: str, hosts: list[str]) -> None:
    assert distinct_hosts(hosts_of_text(text)) == hosts


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ('<a href="https://link.example/">x</a>', ["link.example"]),
        ("<A HREF = 'HTTP:&#47;&#47;link&period;example'>", ["link.example"]),
        ("<img src=//cdn.example/a.gif>", ["cdn.example"]),
        ('<form action="https:link.example/go">', ["link.example"]),
        ('<a href="ht\ntp://li\nnk.example/">', ["link.example"]),
        ('<td background="http:/link.example/x">', ["link.example"]),
        ("<p>https://text.example/</p>", ["text.example"]),
        ('<a href="mailto:a@mail.example">', []),
        ('<a href="/relative">', []),
        ("<!-- http://hidden.example/ --><b>", []),
        ("<!-- http://hidden.example/", []),
        ('<!DOCTYPE html PUBLIC "-//W3C//DTD" "http://www.dtd.example/x.dtd">', []),
        ('<html xmlns:o="http://schemas.ns.example/office">', []),
    ],
)
def test_links_are_found_in_html(text: str, hosts: list[str]) -> None:
    assert distinct_hosts(hosts_of_html(text)) == hosts


def test_a_message_with_endless_links_is_cut() -> None:
    text = " ".join(f"http://h{number}.example" for number in range(1000))
    assert len(distinct_hosts(hosts_of_text(text))) == MAX_HOSTS


@settings(deadline=None, max_examples=150)
@given(st.text(st.sampled_from('htp:/\\w.ab1%@[]<>"=&#; \n点é-'), max_size=60))
def test_every_host_found_is_canonical(text: str) -> None:
    for host in [*hosts_of_text(text), *hosts_of_html(f"<a href='//{text}'>{text}")]:
        assert canonical_host(host) == host
