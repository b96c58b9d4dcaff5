"""Companies whose money names no order, each with one kind of noise, and how many of the links made are right.

Apart from the sample company: here every kind of noise stands alone, so that a rule that helps one and harms another is seen.
Half of the payments name their order; the others show what the kind of noise leaves of their payer.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from reconciliation_assets_tests.harness import Bench, Built, drop

Row = dict[str, Any]

# Spellings of one word, the Arabic one last.
_GIVEN = (
    ("Mohammed", "Muhammad", "Mohamed", "محمد"), ("Ahmed", "Ahmad", "أحمد"), ("Ali", "Aly", "علي"), ("Omar", "Umar", "عمر"),
    ("Khalid", "Khaled", "خالد"), ("Saeed", "Said", "سعيد"), ("Yousef", "Yusuf", "يوسف"), ("Ibrahim", "Ebrahim", "إبراهيم"),
    ("Fatima", "Fatma", "فاطمة"), ("Aisha", "Ayesha", "عائشة"), ("Mariam", "Maryam", "مريم"), ("Noura", "Nora", "نورة"),
    ("Sara", "Sarah", "سارة"), ("Layla", "Leila", "ليلى"), ("Huda", "Hoda", "هدى"), ("Salma", "Selma", "سلمى"),
    ("Faisal", "Faysal", "فيصل"), ("Hamad", "Hamed", "حمد"), ("Rashid", "Rashed", "راشد"), ("Sultan", "Soltan", "سلطان"),
    ("Tariq", "Tarek", "طارق"), ("Bilal", "Belal", "بلال"), ("Zainab", "Zeinab", "زينب"), ("Abdul Rahman", "Abdulrahman", "عبد الرحمن"),
    ("Jasim", "Jassim", "جاسم"), ("Mona", "Muna", "منى"), ("Dana", "Danah", "دانة"), ("Reem", "Rim", "ريم"),
)  # fmt: skip
_FAMILY = (
    ("Al Harbi", "Alharbi", "الحربي"), ("Al Qahtani", "Alqahtani", "القحطاني"), ("Al Mansoori", "Al Mansouri", "المنصوري"),
    ("Al Suwaidi", "Alsuwaidi", "السويدي"), ("Al Marri", "Almarri", "المري"), ("Khan", "خان"), ("Haddad", "حداد"),
    ("Al Balushi", "Al Baloushi", "البلوشي"), ("Al Dosari", "Aldosari", "الدوسري"), ("Nair", "ناير"), ("Qureshi", "Koreshi", "قريشي"),
    ("Al Shamsi", "Alshamsi", "الشامسي"), ("Rahmani", "رحماني"), ("Farouk", "Farooq", "فاروق"), ("Al Zaabi", "Alzaabi", "الزعابي"),
    ("Sheikh", "Shaikh", "شيخ"), ("Malik", "Malek", "مالك"), ("Al Otaibi", "Alotaibi", "العتيبي"), ("Fernandes", "فرناندس"),
    ("Al Kuwari", "Alkuwari", "الكواري"), ("Siddiqui", "Siddiqi", "صديقي"), ("Barakat", "بركات"), ("Al Ketbi", "الكتبي"), ("Thomas", "توماس"),
)  # fmt: skip
_CATALOGUE = [
    Decimal(price) for price in (49, 79, 99, 129, 149, 179, 199, 229, 249, 299, 349, 399, 449, 549, 649, 799, 999)
]
_BEGIN = datetime.fromisoformat("2026-03-01T00:00:00+04:00")
_PER_AED = {"USD": Decimal("0.27229"), "SAR": Decimal("1.02110")}
_MINUTE = 1 / 1440


@dataclass
class Person:
    """Somebody who orders or pays."""

    given: tuple[str, ...]
    father: tuple[str, ...]
    family: tuple[str, ...]
    phone: str
    email: str

    def name(self, random: Random, *, spelling: str = "as usual") -> str:
        """The name as somebody writes it: with or without the father's, in one spelling or another, or in Arabic."""

        def pick(words: tuple[str, ...]) -> str:
            return words[-1] if spelling == "Arabic" else random.choice(words[:-1]) if spelling == "any" else words[0]

        parts = [pick(self.given), pick(self.father), pick(self.family)]
        if random.random() < 0.4:
            parts.pop(1)
        return " ".join(parts)


@dataclass
class Shop:
    """A company being written: its rows, the true order of every payment that names none, and what is open to doubt."""

    random: Random
    orders: list[Row] = field(default_factory=list)
    payments: list[Row] = field(default_factory=list)
    truth: dict[str, str | None] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    ambiguous: set[str] = field(default_factory=set)
    names: int = 100
    baskets: float = 0.6
    paid_at: dict[tuple[str, Decimal], float] = field(default_factory=dict)

    def person(self) -> Person:
        """Somebody new."""
        number = f"+9715{self.random.choice('024568')}{self.random.randrange(10**7):07}"
        email = f"{self.random.choice(_GIVEN)[0].split()[0].lower()}{self.random.randrange(10**5)}@{self.random.choice(('gmail', 'hotmail', 'yahoo'))}.com"
        return Person(*(self.random.choice(words[: self.names]) for words in (_GIVEN, _GIVEN, _FAMILY)), number, email)

    def price(self) -> Decimal:
        """A price of the catalogue, or a basket of several things."""
        if self.random.random() >= self.baskets:
            return self.random.choice(_CATALOGUE)
        return Decimal(str(round(max(20.0, self.random.lognormvariate(5.4, 0.6)), 2)))

    def order(self, person: Person, value: Decimal, day: float, **cells: Any) -> Row:
        """An order, delivered some days later unless told otherwise."""
        order_id = f"SO{len(self.orders):05}"
        method = self.random.choices(("card", "cod", "bank_transfer"), (5, 4, 1))[0]
        row = {
            "order_id": order_id, "created_at": at(day), "status": "delivered", "gross_value": value, "currency": "AED",
            "phone": person.phone if self.random.random() < 0.95 else None, "market": "AE",
            "email": person.email if self.random.random() < 0.7 else None,
            "full_name": person.name(self.random), "payment_method": method,
            "delivered_at": at(day + self.random.uniform(1.5, 6)),
        } | cells  # fmt: skip
        row["updated_at"] = row["delivered_at"] or row["created_at"]
        self.orders.append(row)
        self.people[order_id] = person
        return row

    def pay(self, order: Row | None, amount: Decimal, when: float, *, names: bool, **cells: Any) -> Row:
        """Money; of what names its order nothing is to be found out."""
        payment_id = f"P{len(self.payments):05}"
        row = {
            "payment_id": payment_id, "kind": "payment", "status": "settled", "paid_at": at(when), "amount": amount,
            "currency": "AED", "order_id": order["order_id"] if order and names else None,
            "method": order["payment_method"] if order else self.random.choice(("card", "bank_transfer")),
        } | cells  # fmt: skip
        self.payments.append(row)
        if not names:
            self.truth[payment_id] = order["order_id"] if order else None
        return row

    def moment(self, order: Row) -> float:
        """When the money of an order comes: cards at once, couriers after the delivery, transfers within days. Who pays the same
        price again pays in the order of the orders."""
        key = (self.people[order["order_id"]].phone, order["gross_value"])
        self.paid_at[key] = max(self._moment(order), self.paid_at.get(key, 0.0) + 0.01)
        return self.paid_at[key]

    def _moment(self, order: Row) -> float:
        created = day_of(order["created_at"])
        if order["payment_method"] == "card":
            return created + self.random.uniform(1, 6) * _MINUTE
        if order["payment_method"] == "cod":
            return day_of(order["delivered_at"]) + self.random.uniform(0.5, 8)
        return created + self.random.uniform(0.05, 5)

    def shown(self, person: Person, *, phone: float = 0.6, email: float = 0.4, name: float = 0.85) -> Row:
        """What a payment shows of its payer, each with a chance."""
        return {
            "phone": person.phone if self.random.random() < phone else None,
            "email": person.email if self.random.random() < email else None,
            "payer_name": person.name(self.random) if self.random.random() < name else None,
        }


def at(day: float) -> str:
    """An instant so many days after the company opened."""
    return (_BEGIN + timedelta(days=day)).isoformat(timespec="seconds")


def day_of(instant: str) -> float:
    """The inverse of `at`."""
    return (datetime.fromisoformat(instant) - _BEGIN).total_seconds() / 86400


Pay = Callable[[Shop, Row, Person], None]


def _swapped(random: Random, number: str) -> str:
    place = random.randrange(len(number) - 4, len(number) - 1)
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    return swapped if swapped != number else number[:-1] + str((int(number[-1]) + 1) % 10)


def _plain(shop: Shop, order: Row, person: Person, **cells: Any) -> Row:
    return shop.pay(order, order["gross_value"], shop.moment(order), names=False, **(shop.shown(person) | cells))


def _swapped_digits(shop: Shop, order: Row, person: Person) -> None:
    _plain(
        shop, order, person, phone=_swapped(shop.random, person.phone), email=None, payer_name=person.name(shop.random)
    )


def _swapped_digits_no_name(shop: Shop, order: Row, person: Person) -> None:
    _plain(shop, order, person, phone=_swapped(shop.random, person.phone), email=None, payer_name=None)


def _mistyped_email(shop: Shop, order: Row, person: Person) -> None:
    address = person.email.replace(".com", shop.random.choice((".con", ".cm", ".comm")))
    name = person.name(shop.random) if shop.random.random() < 0.7 else None
    _plain(shop, order, person, phone=None, email=address, payer_name=name)


def _other_spelling(shop: Shop, order: Row, person: Person) -> None:
    spelling = shop.random.choice(("Arabic", "any"))
    _plain(shop, order, person, phone=None, email=None, payer_name=person.name(shop.random, spelling=spelling))


def _relative_pays(shop: Shop, order: Row, person: Person) -> None:
    other = shop.person()
    relative = Person(other.given, person.father, person.family, other.phone, other.email)
    uses_family_phone = shop.random.random() < 0.5
    row = _plain(
        shop, order, person, phone=person.phone if uses_family_phone else relative.phone, email=None,
        payer_name=relative.name(shop.random),
    )  # fmt: skip
    if not uses_family_phone:
        shop.ambiguous.add(row["payment_id"])


def _phone_and_name(shop: Shop, order: Row, person: Person) -> None:
    _plain(shop, order, person, phone=person.phone, email=None, payer_name=person.name(shop.random))


def _phone_only(shop: Shop, order: Row, person: Person) -> None:
    _plain(shop, order, person, phone=person.phone, email=None, payer_name=None)


def _bank_fee(shop: Shop, order: Row, person: Person) -> None:
    fee = Decimal(shop.random.choice(("5.25", "10.50", "26.25")))
    if order["gross_value"] < 10 * fee:
        fee = Decimal("1.05")
    shown = shop.shown(person, phone=0.7, email=0.3, name=1.0)
    shop.pay(order, order["gross_value"] - fee, shop.moment(order), names=False, **shown)


def _rounded(shop: Shop, order: Row, person: Person) -> None:
    amount = order["gross_value"].to_integral_value("ROUND_CEILING")
    shop.pay(order, amount, shop.moment(order), names=False, **shop.shown(person, phone=0.7, name=1.0))


def _unequal_parts(shop: Shop, order: Row, person: Person) -> None:
    first = (order["gross_value"] * Decimal(str(shop.random.choice((0.3, 0.35, 0.4, 0.6))))).quantize(Decimal("0.01"))
    when = shop.moment(order)
    for amount, later in ((first, 0.0), (order["gross_value"] - first, shop.random.uniform(2, 20))):
        shop.pay(order, amount, when + later, names=False, **shop.shown(person, phone=0.75, name=1.0))


def _stamped_before(shop: Shop, order: Row, person: Person) -> None:
    when = day_of(order["created_at"]) - shop.random.uniform(0.5, 10) / 24
    shop.pay(order, order["gross_value"], when, names=False, **shop.shown(person, name=1.0))


def _other_currency(shop: Shop, order: Row, person: Person) -> None:
    currency = shop.random.choice(("USD", "SAR"))
    margin = Decimal(str(round(shop.random.uniform(0.985, 1.02), 4)))
    amount = (order["gross_value"] * _PER_AED[currency] * margin).quantize(Decimal("0.01"))
    shown = shop.shown(person, phone=0.8, name=1.0)
    shop.pay(order, amount, shop.moment(order), names=False, currency=currency, **shown)


def _ordinary(shop: Shop, order: Row, person: Person) -> None:
    row = _plain(shop, order, person)
    if not (row["phone"] or row["email"] or row["payer_name"]) and order["payment_method"] != "card":
        shop.ambiguous.add(row["payment_id"])


def _named_only(shop: Shop, order: Row, person: Person) -> None:
    _plain(shop, order, person, phone=None, email=None, payer_name=person.name(shop.random))


def _refunded(shop: Shop, order: Row, person: Person) -> None:
    when = shop.moment(order)
    shop.pay(order, order["gross_value"], when, names=shop.random.random() < 0.7, **shop.shown(person))
    back = max(when, day_of(order["delivered_at"])) + shop.random.uniform(1, 9)
    amount = order["gross_value"]
    if shop.random.random() < 0.7:
        order["status"], order["returned_at"] = "returned", at(back - 0.5)
        order["updated_at"] = order["returned_at"]
    else:
        amount = (amount / 2).quantize(Decimal("0.01"))
    shop.pay(order, amount, back, names=False, kind="refund", **shop.shown(person, phone=0.8, name=0.9))


@dataclass(frozen=True)
class Kind:
    """One kind of noise.

    Attributes:
        pays: how the money of an order comes that names none.
        named: share of the payments that name their order.
        strangers: share of all payments that belong to no order.
        price: what everything costs, if it all costs the same.
        family: whether two people of one family, each with orders, share a phone.
        repeats: whether customers order the same thing at the same price again.
        transfers: whether customers pay two orders in one transfer.
        names: how many given names and how many family names there are at most.
        popular: whether everything costs a price of the catalogue.
    """

    pays: Pay
    named: float = 0.5
    strangers: float = 0.03
    price: Decimal | None = None
    family: bool = False
    repeats: bool = False
    transfers: bool = False
    names: int = 100
    popular: bool = False


KINDS: dict[str, Kind] = {
    "ordinary": Kind(_ordinary),
    "swapped digits, with a name": Kind(_swapped_digits),
    "swapped digits, no name": Kind(_swapped_digits_no_name),
    "typos in e-mails": Kind(_mistyped_email),
    "Arabic and Latin spellings": Kind(_other_spelling),
    "a relative pays": Kind(_relative_pays),
    "family phone, with names": Kind(_phone_and_name, family=True),
    "family phone, no names": Kind(_phone_only, family=True),
    "everybody pays 199": Kind(_ordinary, price=Decimal(199)),
    "same customer, same price": Kind(_ordinary, repeats=True),
    "bank fees": Kind(_bank_fee),
    "rounded up": Kind(_rounded),
    "unequal instalments": Kind(_unequal_parts),
    "two orders in one transfer": Kind(_ordinary, transfers=True),
    "stamped before the order": Kind(_stamped_before),
    "another currency": Kind(_other_currency),
    "refunds without IDs": Kind(_refunded),
    "strangers": Kind(_ordinary, strangers=0.33),
    "strangers, few names, popular prices": Kind(_ordinary, strangers=0.33, names=6, popular=True),
    "few names": Kind(_named_only, names=5),
    "no IDs anywhere": Kind(_ordinary, named=0.0),
    "no IDs anywhere, strangers": Kind(_ordinary, named=0.0, strangers=0.33),
}


def write_shop(kind: Kind, orders: int, seed: int) -> Shop:
    """A company with one kind of noise; the same seed gives the same company."""
    shop = Shop(Random(seed), names=kind.names, baskets=0.0 if kind.popular else 0.6)
    random = shop.random
    while len(shop.orders) < orders:
        person = shop.person()
        household = [person]
        if kind.family:
            other = shop.person()
            household.append(Person(other.given, person.father, person.family, person.phone, other.email))
        for each in household:
            price = kind.price or shop.price()
            day = random.uniform(0, 100)
            for _ in range(random.choice((1, 2, 2, 3)) if kind.repeats else 1 + (random.random() < 0.25)):
                value = price if kind.repeats else kind.price or shop.price()
                _with_its_money(shop, kind, shop.order(each, value, day), each)
                day += random.uniform(0.5, 12)
        if kind.transfers:
            pair = [shop.order(person, shop.price(), random.uniform(0, 100))]
            pair.append(shop.order(person, shop.price(), day_of(pair[0]["created_at"]) + random.uniform(0.1, 3)))
            shown = shop.shown(person, phone=0.8, name=1.0)
            when = day_of(pair[1]["created_at"]) + 1
            row = shop.pay(pair[0], pair[0]["gross_value"] + pair[1]["gross_value"], when, names=False, **shown)
            shop.ambiguous.add(row["payment_id"])
    _strangers(shop, kind)
    _doubt(shop)
    return shop


def _with_its_money(shop: Shop, kind: Kind, order: Row, person: Person) -> None:
    fate = shop.random.random()
    if fate < 0.05:
        order |= {
            "status": "cancelled",
            "cancelled_at": order["created_at"],
            "updated_at": order["created_at"],
            "delivered_at": None,
        }
    elif fate > 0.15:
        if shop.random.random() < kind.named:
            shop.pay(order, order["gross_value"], shop.moment(order), names=True, **shop.shown(person, phone=0.4))
        else:
            kind.pays(shop, order, person)


def _strangers(shop: Shop, kind: Kind) -> None:
    """Money that belongs to no order: of people nobody knows, and now and then of a customer who pays for something else."""
    many = round(len(shop.payments) * kind.strangers / (1 - kind.strangers))
    known = list(shop.people.values())
    for _ in range(many):
        person = shop.random.choice(known) if shop.random.random() < 0.05 else shop.person()
        amount = kind.price if kind.price and shop.random.random() < 0.5 else shop.price()
        shop.pay(
            None, amount, shop.random.uniform(1, 115), names=False, **shop.shown(person, phone=0.4, email=0.2, name=0.7)
        )


def _doubt(shop: Shop) -> None:
    """Payments that even who knows all of it could not give to one order: what they show fits several that are not paid by ID."""
    paid = {row["order_id"] for row in shop.payments if row["order_id"]}
    waiting = [row for row in shop.orders if row["order_id"] not in paid and row["status"] != "cancelled"]
    for payment in shop.payments:
        truth = shop.truth.get(payment["payment_id"])
        if truth is None:
            continue
        person = shop.people[truth]
        own = next(row for row in shop.orders if row["order_id"] == truth)
        fits = [
            row
            for row in waiting
            if row["gross_value"] == own["gross_value"] and _might_pay(shop, payment, row, person)
        ]
        if len(fits) > 1:
            shop.ambiguous.add(payment["payment_id"])


def _might_pay(shop: Shop, payment: Row, order: Row, payer: Person) -> bool:
    owner = shop.people[order["order_id"]]
    gap = day_of(payment["paid_at"]) - day_of(order["created_at"])
    if not -0.5 <= gap <= 60:
        return False
    if payment.get("phone") or payment.get("email"):
        return (
            owner.phone == payer.phone
            or (owner.email == payer.email and bool(payment.get("email")))
            or _same_name(payment, owner, payer)
        )
    if payment.get("payer_name"):
        return _same_name(payment, owner, payer)
    return gap <= 14


def _same_name(payment: Row, owner: Person, payer: Person) -> bool:
    return bool(payment.get("payer_name")) and owner.given == payer.given and owner.family == payer.family


@dataclass(frozen=True)
class Judged:
    """How right the links of money that names nothing are, in one company.

    Attributes:
        links, right: links that carry money, and those that are true.
        sought, found: payments whose order what they show tells apart, and those of them that were linked rightly.
        wrong_money: AED on a wrong order, strangers' money included.
        strangers_money, strangers_linked: AED of payments that belong to no order, and what of it was linked.
        confidence: stated confidence and whether it was right, link by link and possible match by possible match.
        faults: the wrong links, for people who mend them.
    """

    links: int
    right: int
    sought: int
    found: int
    wrong_money: Decimal
    strangers_money: Decimal
    strangers_linked: Decimal
    confidence: tuple[tuple[float, bool], ...]
    faults: tuple[Row, ...]
    missed: tuple[Row, ...]

    @property
    def precision(self) -> float:
        """Share of the links that are true."""
        return self.right / self.links if self.links else 1.0

    @property
    def recall(self) -> float:
        """Share of the payments that can be told apart that are linked rightly."""
        return self.found / self.sought if self.sought else 1.0


def judge(kind: str, orders: int, seed: int) -> Judged:
    """Write a company with one kind of noise, link its money, and hold the links against the truth."""
    shop = write_shop(KINDS[kind], orders, seed)
    with tempfile.TemporaryDirectory(prefix="reconcile-noise-") as folder, _built(shop, Path(folder)) as built:
        links = {row["right_id"]: row for row in built.rows("payment_links") if row["right_id"] in shop.truth}
        proposals = [row for row in built.rows("payment_proposals") if row["right_id"] in shop.truth]
    amounts = {row["payment_id"]: row["amount"] for row in shop.payments}
    right = {each for each, row in links.items() if shop.truth[each] == row["left_id"]}
    sought = {each for each, order in shop.truth.items() if order is not None and each not in shop.ambiguous}
    strangers = [each for each, order in shop.truth.items() if order is None]
    return Judged(
        len(links),
        len(right),
        len(sought),
        len(sought & right),
        sum((amounts[each] for each in links if each not in right), Decimal(0)),
        sum((amounts[each] for each in strangers), Decimal(0)),
        sum((amounts[each] for each in strangers if each in links), Decimal(0)),
        tuple((row["match_confidence"], shop.truth[row["right_id"]] == row["left_id"]) for row in proposals),
        tuple(row | {"truth": shop.truth[each]} for each, row in links.items() if each not in right),
        tuple(
            {"payment": next(p for p in shop.payments if p["payment_id"] == each), "truth": shop.truth[each],
             "proposed": [row for row in proposals if row["right_id"] == each]}
            for each in sorted(sought - right)
        ),
    )  # fmt: skip


class _built:  # noqa: N801 - reads as the function it is used as
    def __init__(self, shop: Shop, home: Path) -> None:
        self.bench = Bench(home)
        drop(self.bench.inbox, {"orders": shop.orders, "payments": shop.payments})

    def __enter__(self) -> Built:
        return self.bench.build()

    def __exit__(self, *_: object) -> None:
        self.bench.close()


def calibration(judged: list[Judged]) -> Iterator[tuple[float, int, float, float]]:
    """By tenth of stated confidence from a half up: its lower end, links, mean stated and observed."""
    pairs = [pair for each in judged for pair in each.confidence]
    for tenth in range(5, 10):
        mine = [(stated, right) for stated, right in pairs if tenth / 10 <= stated < (tenth + 1) / 10 + (tenth == 9)]
        if mine:
            stated, right = (sum(values) / len(mine) for values in zip(*mine, strict=True))
            yield tenth / 10, len(mine), stated, right
