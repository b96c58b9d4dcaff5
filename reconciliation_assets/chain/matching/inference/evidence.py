"""The evidence of assigned payments in words: its kind, which the backtest judges, and the text that people read."""

import numpy as np
import numpy.typing as npt

from reconciliation_assets.chain.matching.inference import candidates as who
from reconciliation_assets.chain.matching.inference import weights as by
from reconciliation_assets.chain.matching.inference.candidates import Ints, Payables, Payments, People
from reconciliation_assets.chain.matching.inference.sums import PairGroup

Words = npt.NDArray[np.object_]

_FITS = {
    by.IN_FULL: "the amount owed",
    by.DISCOUNTED: "the amount less its discount",
    by.INSTALMENT: "an equal instalment",
    by.PART: "a part of the amount",
    by.LESS_FEE: "the amount less a fee",
    by.ROUNDED_UP: "the amount rounded up",
    by.OTHER_CURRENCY: "the amount in another currency",
    by.NO_VALUE: "no agreed value",
    by.MORE: "one transfer for several orders",
}
_GAPS = {
    by.STAMPED_EARLY: "stamped before it",
    by.WITHIN_MINUTES: "within minutes",
    by.WITHIN_AN_HOUR: "within an hour",
    by.WITHIN_A_DAY: "within a day",
}
PART_OF_A_DEAL = "a part of the agreed value"
PAIRED, TOGETHER = "as many payments as alike amounts owed", "payments that are together what is owed"
_NAMES = {
    who.UNKNOWN: "no name",
    who.SAME_NAME: "the same name",
    who.ANOTHER_ORDER: "the same name in another order",
    who.ANOTHER_MIDDLE: "the same name but for a middle one",
    who.SAME_GIVEN: "the same given name",
    who.ONE_WORD: "one word of the name",
    who.SAME_FAMILY: "another of the family",
    who.COMMON_WORDS: "words of the name",
    who.ANOTHER_NAME: "another name",
}
_DOUBTED = (who.ANOTHER_NAME, who.COMMON_WORDS, who.SAME_FAMILY)
_NEAR = (by.LESS_FEE, by.ROUNDED_UP, by.OTHER_CURRENCY)


def told(
    left: Payables,
    right: Payments,
    people: People,
    weighed: by.PairWeights,
    best: Ints,
    is_paired: np.ndarray,
    is_together: np.ndarray,
    together: PairGroup,
) -> tuple[Words, Words, Words]:
    """Kind of evidence, method, and evidence in words, for the chosen pairs.

    Args:
        best: positions of the chosen pairs.
        is_paired, is_together: which of them were paired in order of time, and which match only in total.
        together: the pairs that match only in total, with their words.
    """
    i, j = people.left[best], people.right[best]
    fit, name = weighed.fit[best], people.name[best]
    email, phone = people.same_email[best], people.same_phone[best]
    lead, customer = people.same_lead[best], people.same_customer[best]
    contact, doubted = email | phone, np.isin(name, _DOUBTED)
    refund = right.direction[j] != "in"
    names = _looked_up(name, _NAMES)

    amount = np.where(refund, np.where(fit == by.IN_FULL, "all of the money back", "a part of the money back"), "")
    amount = np.where(refund, amount.astype(object), _looked_up(fit, _FITS))
    amount = np.where((fit == by.PART) & left.is_opportunity[i] & ~refund, PART_OF_A_DEAL, amount)
    amount = np.where(is_paired, PAIRED, np.where(is_together & (fit != by.MORE), TOGETHER, amount))
    part_of_a_name = np.isin(name, (who.SAME_GIVEN, who.ONE_WORD))
    nameless = np.array("no name, ", object) + _looked_up(weighed.gap[best], _GAPS, "days later")
    person = np.select(
        [contact & doubted, contact, lead | customer, name == who.UNKNOWN, part_of_a_name],
        [*_words("contact under another name", "contact", "relationship"), nameless, *_words("a part of the name")],
        names,
    )
    by_inference = is_together | (np.isin(fit, _NEAR) & ~refund) | ~(contact | lead | customer)
    method = np.select([by_inference, contact], _words("inferred", "exact_contact"), _words("crm_relationship")[0])

    shared = np.select(
        [email & phone, email, phone, lead, customer],
        _words("same e-mail and phone", "same e-mail", "same phone", "payment names its lead", "same customer"),
        names,
    )
    thing = np.where(left.is_opportunity[i], *_words("CRM record", "order"))
    days = np.floor(right.at[j] - left.at[i]).astype(np.int64)
    when = np.where(
        days >= 0, thing + " " + days.astype(str).astype(object) + " days before", "stamped hours before the " + thing
    )
    words = amount.copy()
    for place in np.flatnonzero(is_together):
        words[place] = together.words[int(best[place])]
    for place in np.flatnonzero((fit == by.OTHER_CURRENCY) & ~refund):
        paid, owed = right.amount[j[place]] * right.rate[j[place]], left.value[i[place]] - left.paid[i[place]]
        words[place] += f", {paid / owed / left.rate[i[place]] - 1:+.1%} at the day's rate"
    evidence = shared + ", " + when + ", " + words + np.where(doubted & contact, ", but " + names, "")
    return person + ", " + amount, method, evidence


def parts_in_words(weighed: by.PairWeights, best: Ints) -> Words:
    """What each piece of evidence adds, in bits: `amount +9.1; name +5.2`."""
    words = np.full(len(best), "", object)
    for name, bits in weighed.parts.items():
        tenths = np.rint(10 * np.broadcast_to(bits, weighed.bits.shape)[best]).astype(np.int64)
        values, place = np.unique(tenths, return_inverse=True)
        written = np.array([f"; {name} {value / 10:+.1f}" if value else "" for value in values], object)
        words = words + written[place]
    return np.array([each[2:] for each in words], object)


def _words(*words: str) -> list[Words]:
    return [np.array(each, object) for each in words]


def _looked_up(codes: Ints, words: dict[int, str], otherwise: str = "") -> Words:
    table = np.array([words.get(code, otherwise) for code in range(int(codes.max(initial=0)) + 1)], object)
    found: Words = table[codes]
    return found
