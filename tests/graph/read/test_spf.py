"""SPF results name the client that the receiving side saw; what the client itself said in them does not."""

import pytest

from graph.read.message import parse
from graph.read.spf import RESULTS, client_of, clients_above


@pytest.mark.parametrize(
    ("value", "client"),
    [
        ("Pass (home.example: domain of b.example designates 192.0.2.7 as permitted sender) client-ip=192.0.2.7",
         "192.0.2.7"),
        ("SoftFail (protection.cloud.example: domain of transitioning b.example discourages use of 192.0.2.7 as"
         " permitted sender)", "192.0.2.7"),
        ("spf=none (sender IP is 192.0.2.7) smtp.mailfrom=b.example; dkim=none", "192.0.2.7"),
        ("mx.home.example; iprev=pass policy.iprev=192.0.2.7 (b.example); spf=pass", "192.0.2.7"),
        ("pass client-ip=2001:db8::7; helo=x", "2001:db8::7"),
        ("None (home.example: b.example does not designate permitted sender hosts)", None),
        ("pass client-ip=10.0.0.7", None),
        ("pass client-ip=999.1.2.3", None),
        ("", None),
        ("pass (domain of client-ip=203.0.113.5@evil.test designates 192.0.2.7 as permitted sender)", "192.0.2.7"),
        ('pass envelope-from="x client-ip=203.0.113.5 y"@evil.test; client-ip=192.0.2.7', "192.0.2.7"),
        ('pass (domain of "designates 203.0.113.5 as permitted sender"@evil.test designates 192.0.2.7 as permitted'
         ' sender)', "192.0.2.7"),
    ],
)  # fmt: skip
def test_the_client_of_a_result_is_the_address_that_the_server_saw(value: str, client: str | None) -> None:
    assert client_of(value) == client


def test_each_line_knows_the_clients_of_the_results_above_it_alone() -> None:
    parsed = parse(
        b"Received: a\nReceived-SPF: pass client-ip=192.0.2.1\nReceived: b\nSubject: x\n"
        b"Authentication-Results: spf=pass (sender IP is 192.0.2.2)\nReceived: c\n"
        b"Received-SPF: pass client-ip=192.0.2.3\n\n"
    )
    above = clients_above(parsed.names, {name: parsed.values(name) for name in RESULTS})
    assert above == [(), ("192.0.2.1",), ("192.0.2.1", "192.0.2.2")]
