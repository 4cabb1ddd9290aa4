"""Near copies of a message share a fingerprint; other messages do not."""

import random

from graph.read.fingerprint import fingerprint_of

WORDS = [
    first + middle + last
    for first in ("bar", "con", "del", "fur", "gen", "mar", "pol", "ser", "tan", "vel")
    for middle in ("a", "ino", "era", "uti", "ola")
    for last in ("", "ment", "tion", "ble", "ring")
]


def letter(seed: int, words: int = 150) -> str:
    chosen = random.Random(seed)
    return " ".join(chosen.choice(WORDS) for _ in range(words))


def plain(text: str) -> str | None:
    return fingerprint_of([("plain", text)])


def test_what_changes_from_copy_to_copy_changes_nothing() -> None:
    copies = [
        f"{greeting}\n{letter(1)}\nOrder {number} at http://shop.example/{number} for {name}@home.example xkqz{number}"
        for greeting, number, name in (("Dear Alice,", 17, "alice"), ("Hello Bob and Carol!", 990, "bob"), ("", 3, "c"))
    ]
    assert len({plain(copy) for copy in copies}) == 1
    assert plain(copies[0]) is not None


def test_html_and_plain_text_that_read_alike_are_alike() -> None:
    words = letter(2).split()
    html = "<style>p {color: superfluous}</style><p>" + " <b>".join(words) + "<!-- hidden hidden hidden --></p>"
    assert fingerprint_of([("html", html.replace("a", "&#97;")), ("plain", "see the other part")]) == plain(letter(2))


def test_quotes_and_list_footers_do_not_count() -> None:
    footer = "\n____________________________\n" + letter(99, 30)
    quote = "".join(f"\n> {letter(seed, 9)}" for seed in range(5))
    assert plain(letter(3) + quote + footer) == plain(letter(3))


def test_unrelated_letters_do_not_share_a_fingerprint() -> None:
    assert len({plain(letter(seed)) for seed in range(300)}) == 300


def test_most_near_copies_share_one() -> None:
    shared = 0
    for seed in range(200):
        words = letter(seed).split()
        words[seed % 150] = "replacement"
        shared += plain(" ".join(words)) == plain(letter(seed))
    assert shared > 160


def test_a_short_text_has_none() -> None:
    assert plain("Please call me back tomorrow about the contract.") is None
    assert fingerprint_of([]) is None


def test_a_fingerprint_is_sixteen_hex_digits_and_stays_what_it_is() -> None:
    assert plain(letter(1)) == "f39691c60f835072"
