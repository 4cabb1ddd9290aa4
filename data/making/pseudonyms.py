"""Names for mailboxes that hide whose they are: one local part, one token. Keeps domains, which are evidence.

The key is in the open, because the tables must be rebuilt byte for byte: this keeps people's names out of the
tables, it does not hide them from somebody who holds the corpus (which anybody can fetch).
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field

KEY = b"ringleader sample, local parts, 1"
LETTERS = 12  # 60 bits: the chance that two of 10,000 local parts meet is 1 in 20 billion, and a meeting is an error

# The corpus's editors put words of their own in the place of some names, other ones in other groups (`zzzz` mostly in
# spam, `qqqqqqqqqq` in ham alone), which would tell the label. The same mailbox gets the same name again, without the
# tag (`owner-shop@`) that the collector gave to one shop and another list: his server delivers all of them to him.
HIDDEN_OWNER = re.compile(r"(?:[yz]{3,4}|jm)(?P<digits>\d*)(?:[-+].*)?")
HIDDEN_LISTS = re.compile(r"(?:legit-list|q{10}|x{17})s?[-+].*")
OWNER = "jm"
OWNER_DOMAINS = ("spamassassin.taint.org", "netnoteinc.com")
SHOWN_DOMAINS = {
    "jmason.org": "spamassassin.taint.org",
    "zzzzason.org": "spamassassin.taint.org",
    "localhost.spamassassin.taint.org": "spamassassin.taint.org",
    "localhost.netnoteinc.com": "netnoteinc.com",
    "localhost.labs.netnoteinc.com": "netnoteinc.com",
    "labs.netnoteinc.com": "netnoteinc.com",
    "mail.netnoteinc.com": "netnoteinc.com",
    "example.sourceforge.net": "lists.sourceforge.net",
}
SHOWN_LISTS = {"fork": "xent.com", "exmh-users": "redhat.com", "exmh-workers": "redhat.com"}


def same_mailbox(address: str) -> str:
    """Undo the editors' renaming: the one spelling of a mailbox that the corpus names in several ways."""
    local, at, domain = address.lower().rpartition("@")
    if not at:
        return address.lower()
    domain = SHOWN_DOMAINS.get(domain, domain)
    hidden = HIDDEN_OWNER.fullmatch(local)
    if hidden and (domain in OWNER_DOMAINS or not local.startswith(OWNER)):
        local = OWNER + hidden["digits"]
    elif domain in OWNER_DOMAINS and HIDDEN_LISTS.fullmatch(local):
        local = OWNER
    elif domain == OWNER_DOMAINS[0]:
        domain = SHOWN_LISTS.get(local, domain)
    return f"{local}@{domain}"


@dataclass
class Pseudonyms:
    """The map from local part to token; refuses two local parts with one token."""

    _owners: dict[str, str] = field(default_factory=dict)

    def mailbox(self, address: str) -> str:
        """`local@domain` -> `token@domain`; something without a domain is a token as a whole."""
        local, at, domain = same_mailbox(address).rpartition("@")
        return f"{self._token(local)}@{domain}" if at else self._token(domain)

    def _token(self, local: str) -> str:
        digest = hmac.new(KEY, local.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
        token = base64.b32encode(digest).decode().lower()[:LETTERS]
        if self._owners.setdefault(token, local) != local:
            raise ValueError(f"two local parts share the pseudonym {token}: raise LETTERS")
        return token
