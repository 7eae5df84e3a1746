"""Which legacy encoding bytes are in, from the text that each would make of them. Pure.

Every single-byte encoding reads any bytes, so what decides is how much the text looks like one: signs where no
writer puts them count against it, the letters of a language for it, and charset-normalizer's word on languages.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator

from charset_normalizer import from_bytes

SAMPLE = 16_384
DAMAGE = 0.01

# In the order in which they win a tie. Each is a superset of the standard that it stands for.
LEGACY = (
    "cp1252", "cp932", "euc_jp", "gb18030", "cp950", "cp949", "cp1251", "koi8_r", "cp1250", "iso8859_2",
    "cp1253", "iso8859_7", "cp1254", "cp1255", "cp1256", "cp1257", "cp874", "cp866", "iso8859_5", "koi8_u",
    "cp850", "cp852", "cp437", "mac_roman",
)  # fmt: skip

# The letters beyond ASCII of languages written in Latin script: all of them, of one language each.
_LATIN = (
    "äöüß", "àâæçéèêëîïôœùûüÿ", "áéíñóúü", "áâãàçéêíóôõú", "àèéìîòóù", "åäöé", "æøåé", "áéíóöőúüű",
    "ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "čćđšž", "ăâîșțşţ", "çğıöşüâîû", "ąčęėįšųūž",
    "āčēģīķļņšūž", "äõöüšž", "áðéíóúýþæö", "ëïéèüöáó", "àèéíïòóúüç", "çë", "áéíóú",
)  # fmt: skip
# The most frequent letters of others, and the share of a text that they make up.
_FREQUENT = (
    ("оеаинтсрвл", 0.62), ("оаинітерсв", 0.60), ("αοιετσνηυρς", 0.68), ("יוהלארתבמש", 0.68), ("اليمونرتبة", 0.62),
    ("านรอกเงมยลวดทส่้ั", 0.62), ("のにはをたがでてとしれさいるなかすこま、。", 0.40),
    ("이다는에의고을가를하지도로은한있사인어과기리자나", 0.40),
    ("的一是不了人在我有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会，。、", 0.20),
    ("的一是不了人我在有他這為之大來以個中上們到說國和地也子時道出而要於就下得可你年生，。、", 0.20),
)  # fmt: skip
# Signs that go with any language in Latin script.
_SIGNS = "“”„‘’‚–—…€£§©®°«»¿¡·•×"
# Encodings of old or other systems: they have to be clearly better than the others.
_RARE = frozenset({"cp850", "cp852", "cp437", "mac_roman", "cp866", "iso8859_5", "koi8_u"})
# Chinese and Korean sets have Japanese syllables too, in the same places as Japan's own.
_NO_KANA = frozenset({"gb18030", "cp950", "cp949"})
_KANA = re.compile("[\u3041-\u30fe]")


def guess(data: bytes) -> str:
    """The most likely legacy encoding; never none, for any bytes are text in `cp1252` at the worst."""
    sample = _sample(data)
    known = {match.encoding: match.coherence for match in from_bytes(sample, cp_isolation=list(LEGACY))}
    readings = {encoding: text for encoding in LEGACY if (text := lenient(sample, encoding)) is not None}

    def badness(encoding: str) -> float:
        return _badness(encoding, readings[encoding], known.get(encoding))

    return min(readings, key=badness, default="cp1252")


def lenient(data: bytes, encoding: str) -> str | None:
    """The text in this encoding; None where more than a trace of it is impossible."""
    text = data.decode(encoding, "replace")
    return text if text.count("\ufffd") <= DAMAGE * len(text) else None


def oddity(text: str) -> float:
    """The share of the characters beyond ASCII that no writer would put where they stand, 0 to 1."""
    beyond = odd = 0
    before = " "
    for index, character in enumerate(text):
        if character > "\x7f":
            beyond += 1
            after = text[index + 1] if index + 1 < len(text) else " "
            odd += _is_odd(before, character, after)
        before = character
    return odd / beyond if beyond else 0.0


def familiarity(text: str) -> float:
    """How well the characters beyond ASCII are those of one language, and typographers' signs, 0 to 1."""
    counts = Counter(character for character in text.lower() if character > "\x7f" and not character.isspace())
    signs = sum(counts[sign] for sign in _SIGNS)
    total = counts.total()
    if not total:
        return 0.0
    latin = (sum(counts[letter] for letter in letters) + signs for letters in _LATIN)
    others = (sum(counts[letter] for letter in letters) / share for letters, share in _FREQUENT)
    return min(max(*latin, *others) / total, 1.0)


def _badness(encoding: str, text: str, coherence: float | None) -> float:
    bad = oddity(text) - 0.5 * familiarity(text) - 0.1 * (coherence or 0.0)
    bad += 0.05 if coherence is None else 0.0
    bad += 0.1 if encoding in _RARE else 0.0
    if encoding in _NO_KANA and len(_KANA.findall(text)) > 0.1 * len(text):
        bad += 0.3
    return bad


def _is_odd(before: str, character: str, after: str) -> bool:
    category = unicodedata.category(character)
    if category in ("Cc", "Co", "Cn", "Cs") or character in "\ufffd¤¦¬¨¸¯":
        return True
    if "\uff61" <= character <= "\uff9f":  # half-width katakana: what other encodings look like in Shift-JIS
        return True
    if category == "Mn":
        return not before.isalpha() and unicodedata.category(before) != "Mn"
    if category[0] != "L" or character in "ªº":
        return before.isalpha() and after.isalpha() and character not in "’ʼ·‐‑­–—" and character < "\u2e80"
    if category == "Lu" and before.islower():
        return True
    return before.isalpha() and _script(before) != _script(character)


def _script(letter: str) -> str:
    if letter < "\u0250":
        return "latin"
    if letter >= "\u2e80":
        return "east"
    return unicodedata.name(letter, "?").split(" ", 1)[0].lower()


def _sample(data: bytes) -> bytes:
    """The lines with bytes beyond ASCII, up to SAMPLE: the others say nothing about the encoding."""
    return b"\n".join(_limited(line for line in re.split(rb"[\r\n]+", data) if not line.isascii()))


def _limited(lines: Iterable[bytes]) -> Iterator[bytes]:
    room = SAMPLE
    for line in lines:
        yield line[:room]
        room -= len(line)
        if room <= 0:
            return
