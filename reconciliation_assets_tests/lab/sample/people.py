"""People of the sample company and how their contacts are written: one person, one phone number, one email address.

All names, numbers and addresses are made up. Addresses are of the domains reserved for examples. The digits of a number are
drawn without zeros, and identifiers elsewhere are padded with zeros, so that no phone number hides in an identifier.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reconciliation_assets_tests.lab.sample.arrays import NONE, Bools, Ints, Random, chance, draw, filled, indices
from reconciliation_assets_tests.lab.sample.text import join, words

# Arabic, and two usual transliterations.
_FIRST_NAMES = (
    ("محمد", "Mohammed", "Mohamed"),
    ("أحمد", "Ahmed", "Ahmad"),
    ("عبدالله", "Abdullah", "Abdulla"),
    ("خالد", "Khalid", "Khaled"),
    ("سعيد", "Saeed", "Said"),
    ("سلطان", "Sultan", "Soltan"),
    ("فهد", "Fahad", "Fahd"),
    ("ناصر", "Nasser", "Nasir"),
    ("يوسف", "Yousef", "Yusuf"),
    ("عمر", "Omar", "Umar"),
    ("علي", "Ali", "Aly"),
    ("حسن", "Hassan", "Hasan"),
    ("إبراهيم", "Ibrahim", "Ebrahim"),
    ("ماجد", "Majid", "Majed"),
    ("بدر", "Badr", "Bader"),
    ("طلال", "Talal", "Tallal"),
    ("مشعل", "Mishal", "Meshaal"),
    ("راشد", "Rashid", "Rashed"),
    ("فاطمة", "Fatima", "Fatma"),
    ("عائشة", "Aisha", "Aysha"),
    ("مريم", "Mariam", "Maryam"),
    ("نورة", "Noura", "Nora"),
    ("سارة", "Sara", "Sarah"),
    ("هند", "Hind", "Hend"),
    ("لطيفة", "Latifa", "Lateefa"),
    ("شيخة", "Shaikha", "Sheikha"),
    ("أمل", "Amal", "Amaal"),
    ("ريم", "Reem", "Rim"),
    ("دانة", "Dana", "Danah"),
    ("منيرة", "Munira", "Muneera"),
    ("حصة", "Hessa", "Hissa"),
    ("جواهر", "Jawaher", "Jawahir"),
    ("لينا", "Leena", "Lina"),
    ("هيا", "Haya", "Hayya"),
)
_MALE_NAMES = 18  # the first so many
_FAMILY_NAMES = (
    ("المنصوري", "Al Mansoori", "Almansouri"),
    ("الحربي", "Al Harbi", "Alharby"),
    ("العتيبي", "Al Otaibi", "Alotaiby"),
    ("المطيري", "Al Mutairi", "Almutairy"),
    ("الشمري", "Al Shammari", "Alshamari"),
    ("القحطاني", "Al Qahtani", "Alkahtani"),
    ("الدوسري", "Al Dosari", "Aldossary"),
    ("العنزي", "Al Enezi", "Alanazi"),
    ("الرشيدي", "Al Rashidi", "Alrashedi"),
    ("الغامدي", "Al Ghamdi", "Alghamdy"),
    ("الزهراني", "Al Zahrani", "Alzahrany"),
    ("المزروعي", "Al Mazrouei", "Almazroui"),
    ("الكعبي", "Al Kaabi", "Alkaabi"),
    ("النعيمي", "Al Nuaimi", "Alnuaimi"),
    ("السويدي", "Al Suwaidi", "Alsuwaidi"),
    ("الهاشمي", "Al Hashimi", "Alhashmi"),
    ("البلوشي", "Al Balushi", "Albaloushi"),
    ("العجمي", "Al Ajmi", "Alajmy"),
    ("الصباغ", "Al Sabbagh", "Alsabbagh"),
    ("الخالدي", "Al Khalidi", "Alkhaldi"),
    ("السبيعي", "Al Subaie", "Alsubaiee"),
    ("الشهري", "Al Shehri", "Alshehry"),
    ("المري", "Al Marri", "Almarri"),
    ("الفارسي", "Al Farsi", "Alfarsy"),
)
# People from elsewhere, who write their names in Latin letters everywhere.
_OTHER_FIRST_NAMES = ("Priya", "Rahul", "Anjali", "Imran", "Maria", "Jose", "Grace", "Daniel", "Sunita", "Arjun")

_OTHER_FAMILY_NAMES = (
    "Nair",
    "Menon",
    "Sharma",
    "Qureshi",
    "Santos",
    "Reyes",
    "Fernandes",
    "Walker",
    "Pereira",
    "Thapa",
)
_OTHERS_SHARE = (0.3, 0.12, 0.18)

_EMAIL_DOMAINS = ("example.com", "example.net", "example.org")
_GIVES_EMAIL = 0.88
_COUNTRY_CODES = ("971", "966", "965")
_KUWAIT = 2
# Prefixes under which every number is a valid mobile one, and how many digits follow them.
_MOBILE_PREFIXES = ((50, 52, 54, 55, 56, 58), (50, 53, 54, 55, 56, 58, 59), (50, 55, 66, 90, 94, 96, 97, 99))
_DIGITS_AFTER = (7, 7, 6)
_LONG_STRIDE = 2_654_435_761  # prime, so that every number of a market comes once before any comes twice
_ARABIC_DIGITS = "٠١٢٣٤٥٦٧٨٩"

# How a name is written.
ARABIC, LATIN, BANK = range(3)
# How a phone number is written.
_PLAIN, _LOCAL, _SPACED, _DOUBLE_ZERO, _EXPORTED, _WITH_TRUNK, _ARABIC_LOCAL, _ARABIC_PLAIN = range(8)
_PHONE_STYLE_SHARES = (0.26, 0.22, 0.14, 0.1, 0.1, 0.06, 0.06, 0.06)
_PHONE_STYLES_THAT_NEED_A_MARKET = (_LOCAL, _DOUBLE_ZERO, _ARABIC_LOCAL)
_EMAIL_STYLE_SHARES = (0.72, 0.08, 0.1, 0.05, 0.05)


@dataclass(frozen=True)
class People:
    """The company's people; each array has one element per person.

    Attributes:
        market: index into `money.MARKETS`.
        first: index of the first name, Gulf names before the others.
        father: index of the father's first name, which many write between their own and the family's; -1 without.
        family: index of the family name, Gulf names before the others.
        phone: national mobile number without the trunk zero, e.g. 501234567.
        email: whether the person gives an email address at all.
    """

    market: Ints
    first: Ints
    father: Ints
    family: Ints
    phone: Ints
    email: Bools


def plan_people(random: Random, market: Ints, *, family_phones: float) -> People:
    """Give every person a name, an unshared phone number and an email address.

    Args:
        random: the stream of the topic.
        market: the market of each person.
        family_phones: share of the people whose phone is a relative's after all (noise).
    """
    size = len(market)
    other = random.random(size) < np.array(_OTHERS_SHARE)[market]
    first = np.where(
        other,
        len(_FIRST_NAMES) + random.integers(0, len(_OTHER_FIRST_NAMES), size),
        random.integers(0, len(_FIRST_NAMES), size),
    )
    family = np.where(
        other,
        len(_FAMILY_NAMES) + random.integers(0, len(_OTHER_FAMILY_NAMES), size),
        random.integers(0, len(_FAMILY_NAMES), size),
    )
    father = np.where(other | chance(random, 0.4, size), NONE, random.integers(0, _MALE_NAMES, size))
    phone = filled(size, 0)
    for code in range(len(_COUNTRY_CODES)):
        here = indices(market == code)
        phone[here] = _phone_numbers(random, code, len(here))
        shared = here[chance(random, family_phones, len(here))]
        phone[shared] = phone[here[random.integers(0, max(len(here), 1), len(shared))]]
    return People(market, first, father, family, phone, email=chance(random, _GIVES_EMAIL, size))


def _phone_numbers(random: Random, market: int, size: int) -> Ints:
    prefixes = np.array(_MOBILE_PREFIXES[market], dtype=np.int64)
    digits = _DIGITS_AFTER[market]
    places = len(prefixes) * 9**digits
    place = (int(random.integers(0, places)) + np.arange(size) * _LONG_STRIDE) % places
    prefix, rest = np.divmod(place, 9**digits)
    subscriber = filled(size, 0)
    for position in range(digits):
        rest, digit = np.divmod(rest, 9)
        subscriber += (digit + 1) * 10**position
    numbers: Ints = prefixes[prefix] * 10**digits + subscriber
    return numbers


def e164(people: People, person: Ints) -> pa.Array:
    """Return the phone numbers in E.164."""
    return join("+", words(_COUNTRY_CODES, people.market[person]), pa.array(people.phone[person]).cast(pa.string()))


def name_text(people: People, person: Ints, script: Ints) -> pa.Array:
    """Return full names, each as asked for: Arabic, transliterated, or as banks spell it (ARABIC, LATIN, BANK).

    Banks leave the father's name out.
    """
    first = [spelling for names in _FIRST_NAMES for spelling in names]
    first += [name for name in _OTHER_FIRST_NAMES for _ in range(3)]
    family = [spelling for names in _FAMILY_NAMES for spelling in names]
    family += [name for name in _OTHER_FAMILY_NAMES for _ in range(3)]
    father = np.where((people.father[person] >= 0) & (script != BANK), people.father[person] * 3 + script, NONE)
    return join(
        words(first, people.first[person] * 3 + script),
        pc.coalesce(join(" ", words(first, father)), ""),
        " ",
        words(family, people.family[person] * 3 + script),
    )


def email_text(random: Random, people: People, person: Ints) -> pa.Array:
    """Return email addresses as people type them: mixed case, stray blanks; null for people who give none."""
    slugs = [names[1].lower().replace(" ", "") for names in _FIRST_NAMES] + [n.lower() for n in _OTHER_FIRST_NAMES]
    families = [names[1].lower().replace(" ", "") for names in _FAMILY_NAMES] + [n.lower() for n in _OTHER_FAMILY_NAMES]
    plain = join(
        words(slugs, people.first[person]),
        ".",
        words(families, people.family[person]),
        pa.array(person, mask=~people.email[person]).cast(pa.string()),
        "@",
        words(_EMAIL_DOMAINS, person % len(_EMAIL_DOMAINS)),
    )
    style = draw(random, _EMAIL_STYLE_SHARES, len(person))
    for code, written in enumerate(
        (pc.utf8_upper(plain), pc.utf8_capitalize(plain), join("  ", plain), join(plain, " ")), start=1
    ):
        plain = pc.if_else(pa.array(style == code), written, plain)
    return plain


def phone_text(random: Random, people: People, person: Ints, *, local: bool) -> pa.Array:
    """Return phone numbers in the forms that forms, shops and spreadsheets hold.

    Args:
        random: the stream of the topic.
        people: the company's people.
        person: whose number each row holds.
        local: whether the row names its market, so that forms without a country code can be read.
    """
    style = draw(random, _PHONE_STYLE_SHARES, len(person))
    if not local:
        style = np.where(np.isin(style, _PHONE_STYLES_THAT_NEED_A_MARKET), _PLAIN, style)
    text = pa.nulls(len(person), pa.string())
    for code in range(len(_PHONE_STYLE_SHARES)):
        rows = style == code
        text = pc.replace_with_mask(text, pa.array(rows), _phone_in_style(people, person[rows], code))
    return text


def _phone_in_style(people: People, person: Ints, style: int) -> pa.Array:
    market = people.market[person]
    # Kuwait has neither area codes nor a trunk zero.
    kuwait = pa.array(market == _KUWAIT)
    code = words(_COUNTRY_CODES, market)
    number = pa.array(people.phone[person]).cast(pa.string())
    local = pc.if_else(kuwait, number, join("0", number))
    plain = join("+", code, number)
    if style == _SPACED:
        digits = [pc.utf8_slice_codeunits(number, start, stop) for start, stop in ((0, 2), (2, 5), (5, 9))]
        halves = [pc.utf8_slice_codeunits(number, start, stop) for start, stop in ((0, 4), (4, 8))]
        grouped = pc.if_else(kuwait, join(halves[0], " ", halves[1]), join(digits[0], " ", digits[1], " ", digits[2]))
        return join("+", code, " ", grouped)
    return {
        _PLAIN: plain,
        _LOCAL: local,
        _DOUBLE_ZERO: join("00", code, number),
        _EXPORTED: join("p:", plain),
        _WITH_TRUNK: join("+", code, pc.if_else(kuwait, " ", " (0)"), number),
        _ARABIC_LOCAL: _in_arabic_digits(local),
        _ARABIC_PLAIN: _in_arabic_digits(plain),
    }[style]


def _in_arabic_digits(text: pa.Array) -> pa.Array:
    for value, digit in enumerate(_ARABIC_DIGITS):
        text = pc.replace_substring(text, str(value), digit)
    return text
