"""The models of inferred links to leads: what two records are compared by, with the shipped probabilities of each outcome.

The shipped probabilities (m: among true pairs, u: among random pairs) come from generated companies in which a third of the
payments have no IDs. A company with enough known links learns its own.
"""

from collections.abc import Callable
from dataclasses import dataclass

from reconciliation_assets.warehouse.scoring import Block, Comparison, Level

_EITHER_EMPTY = "coalesce(len({0}_l), 0) = 0 or coalesce(len({0}_r), 0) = 0"


@dataclass(frozen=True)
class Model:
    """How one kind of link is inferred.

    Attributes:
        left_ends, right_ends: tables of the records to link.
        known_links: table of exact links from which the probabilities are learnt.
        match_share: expected share of open right records with a partner.
        possible: SQL condition over both rows (l, r) that every pair must meet.
        slot: makes the SQL for the part of the left record that can be linked only once; None where a left record may have any
            number of right ones.
    """

    name: str
    left_ends: str
    right_ends: str
    known_links: str
    comparisons: tuple[Comparison, ...]
    blocks: tuple[Block, ...]
    match_share: float
    possible: str
    slot: Callable[[str], str] | None = None


_GIVEN_IN_BOTH = (
    "list_contains(name_sound_keys_r, name_sound_keys_l[1]) and list_contains(name_sound_keys_l, name_sound_keys_r[1])"
)
# Two names are the same person's if one contains all words of the other and each contains the other's given name.
_ONE_IN_THE_OTHER = (
    f"{_GIVEN_IN_BOTH} and len(list_intersect(name_sound_keys_l, name_sound_keys_r)) "
    "= least(len(list_distinct(name_sound_keys_l)), len(list_distinct(name_sound_keys_r)))"
)
NAME = Comparison(
    "name",
    _EITHER_EMPTY.format("name_keys"),
    (
        Level(
            "the same name", f"{_ONE_IN_THE_OTHER} and len(list_intersect(name_keys_l, name_keys_r)) >= 2", 0.75, 0.0006
        ),
        Level(
            "a name that sounds the same",
            f"{_ONE_IN_THE_OTHER} and len(list_intersect(name_sound_keys_l, name_sound_keys_r)) >= 2",
            0.12,
            0.0008,
        ),
        Level(
            "the same given and family name",
            "name_sound_keys_l[1] = name_sound_keys_r[1] and name_sound_keys_l[-1] = name_sound_keys_r[-1]",
            0.03,
            0.002,
        ),
        Level("the same given name", _GIVEN_IN_BOTH, 0.05, 0.02),
        Level("words of the name", "list_has_any(name_sound_keys_l, name_sound_keys_r)", 0.03, 0.06),
        Level("another name", "else", 0.02, 0.9172),
    ),
)
# A family may share one phone: with another given name, a shared phone is evidence neither for nor against.
PHONE = Comparison(
    "phone",
    "phone_key_l is null or phone_key_r is null or (phone_key_l = phone_key_r and name_sound_keys_l is not null "
    f"and name_sound_keys_r is not null and not ({_GIVEN_IN_BOTH}))",
    (Level("the same phone", "phone_key_l = phone_key_r", 0.93, 0.0001), Level("another phone", "else", 0.07, 0.9999)),
)
EMAIL = Comparison(
    "email",
    "email_key_l is null or email_key_r is null",
    (
        Level("the same e-mail", "email_key_l = email_key_r", 0.97, 0.0001),
        Level("another e-mail", "else", 0.03, 0.9999),
    ),
)
# A gap of exactly zero is no evidence: two dates without a time of day have it too.
_GAP = "at_day_r - at_day_l"
# Every two words of a name in a fixed order: names that share two words are worth comparing whatever else differs.
_TWO_WORDS_LIST = (
    "list_transform(list_filter(flatten(list_transform({0}, lambda a: list_transform({0}, lambda b: [a, b]))), "
    "lambda p: p[1] < p[2]), lambda p: p[1] || p[2])"
)
_TWO_WORDS = f"unnest({_TWO_WORDS_LIST})"


def _each_with_each(words: str, numbers: str) -> str:
    """SQL for every combination of words and numbers: two `unnest` in one SELECT would only pair them by position."""
    return (
        f"unnest(flatten(list_transform({words}, lambda x: list_transform({numbers}, "
        "lambda y: x || '|' || cast(y as varchar)))))"
    )


LEAD_CRM = Model(
    "lead_crm",
    "matchable_leads",
    "matchable_crm_records",
    "known_lead_crm",
    (
        NAME,
        Comparison(
            "time",
            "at_day_l is null or at_day_r is null",
            (
                Level("opened within the hour", f"{_GAP} > 0 and {_GAP} <= 0.0417", 0.5, 0.0003),
                Level("opened within a day", f"{_GAP} between 0 and 1", 0.3, 0.007),
                Level("opened within three days", f"{_GAP} between 0 and 3", 0.1, 0.014),
                Level("opened within two weeks", f"{_GAP} between 0 and 14", 0.07, 0.07),
                Level("opened within 90 days", f"{_GAP} between 0 and 90", 0.02, 0.35),
                Level("opened before the lead or long after it", "else", 0.01, 0.5587),
            ),
        ),
        Comparison(
            "value",
            "amount_key_l is null or amount_key_r is null",
            (
                Level("the same value", "amount_key_l = amount_key_r", 0.3, 0.01, "amount_key"),
                Level("another value", "else", 0.7, 0.99),
            ),
        ),
        PHONE,
        EMAIL,
    ),
    (
        Block(
            "unnest(name_sound_keys) || '|' || floor(at_day)",
            _each_with_each("name_sound_keys", "[floor(at_day), floor(at_day) - 1, floor(at_day) - 2]"),
        ),
        Block(_TWO_WORDS.format("name_keys"), _TWO_WORDS.format("name_keys")),
        Block(
            _TWO_WORDS.format("name_sound_keys") + " || '|' || floor(at_day / 14)",
            _each_with_each(_TWO_WORDS_LIST.format("name_sound_keys"), "[floor(at_day / 14), floor(at_day / 14) - 1]"),
        ),
    ),
    match_share=0.7,
    possible="r.at_day - l.at_day between 0 and 90",
    slot=lambda left: left,
)

LEAD_ORDER = Model(
    "lead_order",
    "matchable_leads",
    "matchable_orders",
    "known_lead_order",
    (
        NAME,
        Comparison(
            "device",
            "(session_id_l is null or session_id_r is null) and (click_id_l is null or click_id_r is null)",
            (
                Level("the same visit", "session_id_l = session_id_r or click_id_l = click_id_r", 0.7, 0.00001),
                Level("another visit", "else", 0.3, 0.99999),
            ),
        ),
        Comparison(
            "time",
            "at_day_l is null or at_day_r is null",
            (
                Level("ordered within a day", f"{_GAP} between 0 and 1", 0.25, 0.006),
                Level("ordered within a week", f"{_GAP} between 0 and 7", 0.35, 0.04),
                Level("ordered within a month", f"{_GAP} between 0 and 30", 0.3, 0.13),
                Level("ordered within 90 days", f"{_GAP} between 0 and 90", 0.098, 0.25),
                Level("ordered before the lead or long after it", "else", 0.002, 0.574),
            ),
        ),
        Comparison(
            "offer",
            "offer_l is null or offer_r is null",
            (Level("the same offer", "offer_l = offer_r", 0.9, 0.1), Level("another offer", "else", 0.1, 0.9)),
        ),
        Comparison(
            "market",
            "market_l is null or market_r is null",
            (Level("the same market", "market_l = market_r", 0.98, 0.4), Level("another market", "else", 0.02, 0.6)),
        ),
        Comparison(
            "campaign",
            "campaign_id_l is null or campaign_id_r is null",
            (
                Level("the same campaign", "campaign_id_l = campaign_id_r", 0.8, 0.1),
                Level("another campaign", "else", 0.2, 0.9),
            ),
        ),
        PHONE,
        EMAIL,
    ),
    (
        Block("session_id", "session_id"),
        Block("click_id", "click_id"),
        Block(_TWO_WORDS.format("name_keys"), _TWO_WORDS.format("name_keys")),
        Block(
            _TWO_WORDS.format("name_sound_keys") + " || '|' || market",
            _TWO_WORDS.format("name_sound_keys") + " || '|' || market",
        ),
    ),
    match_share=0.05,
    possible="r.at_day - l.at_day between 0 and 90",
)
