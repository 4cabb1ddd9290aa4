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
        (
            "http://bank.example,ref=1@link.example/ http://bank.example;v=2@link2.example",
            ["link.example", "link2.example"],
        ),
        ("http://☕.example/ http://i❤.example/", ["xn--53h.example", "xn--i-7iq.example"]),
        ("https://w.example/?url=https%3A%2F%2Flink.example%2Fx", ["w.example", "link.example"]),
        ("https://w.example/?url=https%253A%252F%252Flink.example%252Fx", ["w.example", "link.example"]),
        ("https://w.example/?u=https:%2F%2Flink.example", ["w.example", "link.example"]),
        ("https://w.example/v2/url?u=https-3A__a-2Dlink.example_path&d=x", ["w.example", "a-link.example"]),
        ("https://w.example/v3/__https://link.example/x__;!!tok", ["w.example", "link.example"]),
        ("https://w.example/amp/s/link.example/x", ["w.example", "link.example"]),
        ("https://w.example/?u=aHR0cHM6Ly9saW5rLmV4YW1wbGUveA", ["w.example", "link.example"]),
        ("https://w.example/?q=50%25off", ["w.example"]),
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
        ("<!--[if mso]><a href='https://outlook.example'>x</a><![endif]-->", ["outlook.example"]),
        ("<!--[if (gte mso 9)|(IE)]><v:rect href='https://outlook.example'><![endif]-->", ["outlook.example"]),
        ("<!--[if !mso]><!--><a href='https://all.example'>x</a><!--<![endif]-->", ["all.example"]),
        ("<!--[if !mso]><a href='https://nobody.example'>x</a><![endif]-->", []),
        ("<![if !mso]><a href=https://all.example>x</a><![endif]>", ["all.example"]),
        ("<style><!--\na {color: red}\n</style><a href='https://link.example'>x</a>", ["link.example"]),
        ("<script><!--\nvar x;\n</script><a href='https://link.example'>x</a>", ["link.example"]),
        ("<title><!-- x</title><a href='https://link.example'>x</a>", ["link.example"]),
        ("<textarea><!-- </textarea><a href='https://link.example'>x</a>", ["link.example"]),
        ("<!--><a href='https://link.example'>x</a>", ["link.example"]),
        ("<!---><a href='https://link.example'>x</a>", ["link.example"]),
        ("<!-- x --!><a href='https://link.example'>x</a>", ["link.example"]),
        ("<a href='x>y' href='https://second.example'>", []),
        ('<p title="<!--"><a href="https://link.example">x</a>', ["link.example"]),
        ('<a href="https://a.example/?next=https%3A%2F%2Flink.example">x</a>', ["a.example", "link.example"]),
        ('<a href="https://bank.example,x@link.example/">x</a>', ["link.example"]),
        ('<meta http-equiv=refresh content="0;url=https://link.example/">', ["link.example"]),
        ('<img srcset="https://one.example/a 1x, https://two.example/b 2x">', ["one.example", "two.example"]),
        ("<script>location='https://link.example/'</script>", ["link.example"]),
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


TAGS = [
    "<div>",
    "</div>",
    "<p>",
    "<table><tr>",
    "<b>",
    "<!-- x -->",
    "<style>a{}</style>",
    "text",
    "<br/>",
    "<svg>",
    "</x>",
]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from(TAGS), max_size=30), st.lists(st.sampled_from(TAGS), max_size=30))
def test_a_link_is_found_between_any_tags(before: list[str], after: list[str]) -> None:
    html = "".join([*before, "<a href=https://link.example/>x</a>", *after])
    assert list(hosts_of_html(html)) == ["link.example"]


@pytest.mark.parametrize(
    "unit",
    ["<div>", "<b id=1><p>", "<", "</x>", "<!--[if mso]>", "&amp", "://", "a@", "%253a", "aHR0cHM6Ly", "<a href='"],
)
def test_hostile_html_ends(unit: str) -> None:
    assert list(hosts_of_html(unit * 50_000)) == []
