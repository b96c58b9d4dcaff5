"""What is kept of text that people wrote holds no contact, however it is spelled, and stays of use."""

import base64
from urllib.parse import quote

import pyarrow as pa
import pytest

from reconciliation_assets.contracts.inputs import ORDERS, PAYMENTS
from reconciliation_assets.sources.kept_text import known_words, page, shown_heading, without_contacts
from reconciliation_assets.sources.protect import ContactProtector
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.rows import kept_rows, order

KEY = ContactProtector(b"a secret of tests")
ADDRESS, PHONE = "amal.haddad@example.com", "+971501234567"

ADDRESSES = (
    ADDRESS,
    ADDRESS.upper(),
    ADDRESS.replace("@", "%40"),
    ADDRESS.replace("@", "%2540"),
    ADDRESS.replace("@", "%252540"),
    ADDRESS.replace("@", "＠"),
    ADDRESS.replace("@", "﹫"),
    ADDRESS.replace("@", "&#64;"),
    ADDRESS.replace("@", "&#x40;"),
    ADDRESS.replace("@", "&commat;"),
    ADDRESS.replace("@", "&amp;#64;"),
    ADDRESS.replace("@", " at "),
    ADDRESS.replace("@", " AT ").replace(".com", " dot com"),
    ADDRESS.replace("@", "(at)"),
    ADDRESS.replace("@", " [at] ").replace(".com", "[dot]com"),
    ADDRESS.replace("@", "\\u0040"),
    ADDRESS.replace("@", "=40"),
    ADDRESS.replace("@", "\u200b@\u200b"),
    "amal.haddad at domain",
    quote(quote(ADDRESS, safe=""), safe=""),
    base64.b64encode(ADDRESS.encode()).decode(),
    base64.urlsafe_b64encode(ADDRESS.encode()).decode().rstrip("="),
    quote(base64.b64encode(ADDRESS.encode()).decode(), safe=""),
    base64.b64encode(base64.b64encode(ADDRESS.encode())).decode(),
    ADDRESS.encode().hex(),
)
PHONES = (
    PHONE,
    "00971501234567",
    "971501234567",
    "0501234567",
    "501234567",
    "050 123 4567",
    "050-123-4567",
    "(050) 123-4567",
    "+971 (0)50 123 4567",
    "+971-50-123-4567",
    "٠٥٠١٢٣٤٥٦٧",
    "۰۵۰۱۲۳۴۵۶۷",
    "０５０１２３４５６７",
    "p:+971501234567",
    "tel:0501234567",
    "+966 55 123 4567",
    "+965 5012 3456",
    "+44 20 7946 0958",
    quote("+971 50 123 4567"),
    "&#43;971501234567",
    base64.b64encode(PHONE.encode()).decode(),
)


def bare(text: str) -> str:
    """A text without what tells a contact from its parts: letters and digits alone."""
    return "".join(filter(str.isalnum, text.lower()))


@pytest.mark.parametrize("spelled", [*ADDRESSES, *PHONES])
@pytest.mark.parametrize("around", ["{}", "call {} soon", "offer|{}|spring"])
def test_no_spelling_of_a_contact_is_left_in_any_kind_of_column(spelled: str, around: str) -> None:
    cell = around.format(spelled)
    names = ("order_id", "customer_id", "landing_page", "utm_campaign", "offer", "reason", "session_id")
    kept = kept_rows(
        KEY,
        ORDERS,
        pa.table({name: [f"https://shop.example/{cell}" if name == "landing_page" else cell] for name in names}),
    )
    plain_id = cell.isascii() and cell.isalnum() and not cell.startswith("0")
    for name in names:
        (said,) = kept[name].to_pylist()
        if plain_id and name in ("order_id", "session_id"):
            assert said == cell, "digits and letters alone are as good as any ID: docs/definitions/kept.md"
        else:
            assert bare(spelled) not in bare(said), name
            assert "haddad" not in said


@pytest.mark.parametrize(
    "label",
    [
        "Ramadan 2026 | KSA | Diploma 50% off",
        "120214501234567890",
        "عرض رمضان ٢٠٢٦",
        "2026-03-01 to 2026-03-31",
        "delivered",
        "fb.1.1700000000000.1234567890",
        "lookalike 1% - purchasers 180d (UAE)",
        "10:30-14:45",
    ],
)
def test_a_label_is_kept_as_written(label: str) -> None:
    assert without_contacts(label, KEY.keyed) == label


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Amal Haddad said it is too expensive", "… said it is too expensive"),
        ("TRF FROM AMAL HADDAD INV-1042", "TRF FROM … INV-1042"),
        ("INV-1042 0501234567", "INV-1042 …"),
        ("price too high; chose a competitor", "price too high chose a competitor"),
        ("السعر مرتفع أمل الحداد", "السعر مرتفع …"),
        ("FLX-W11 FLX-W12", "FLX-W11 FLX-W12"),
        ("pi_3OqX1234", "pi_3OqX1234"),
        ("00000000-0000-4000-8000-000000991001", "00000000-0000-4000-8000-000000991001"),
    ],
)
def test_of_free_text_its_ids_and_known_words_are_kept(text: str, kept: str) -> None:
    assert known_words(text, lambda _: "…") == kept
    batch = kept_rows(KEY, PAYMENTS, pa.table({"reference": [text]}))
    assert "Haddad" not in batch["reference"][0].as_py()


def test_of_a_page_its_host_and_path_are_kept() -> None:
    assert page("https://shop.example/p/1?email=a@b.com&fbclid=1#amal", KEY.keyed) == "https://shop.example/p/1"
    assert page("https://amal:secret@shop.example/p", KEY.keyed) == "https://shop.example/p"
    assert page("/دورة-المحاسبة", KEY.keyed) == "/دورة-المحاسبة"


def test_a_heading_whose_words_are_not_known_is_told_by_its_place() -> None:
    assert shown_heading("Lineitem quantity", 3) == "Lineitem quantity"
    assert shown_heading("Amal Haddad", 3) == "column 3"
    assert shown_heading("0501234567", 3) == "column 3"


def test_an_id_comes_out_the_same_whatever_stands_beside_it() -> None:
    """Otherwise orders and payments of two batches would no longer meet."""
    ids = ["971501234567", "0501234567", "SO 1", "#1001", "+971501234567", "amal@example.com", " 971501234567 "]
    together = kept_rows(KEY, ORDERS, pa.table({"order_id": ids}))["order_id"].to_pylist()
    alone = [kept_rows(KEY, ORDERS, pa.table({"order_id": [one]}))["order_id"][0].as_py() for one in ids]
    assert together == alone
    assert together[0] == "971501234567"
    assert together[1] == together[4] == KEY.keyed("+971501234567")


def test_a_cell_as_long_as_a_book_is_not_searched_for_ever() -> None:
    assert without_contacts("a" * 2_000_000 + "@", KEY.keyed) == KEY.keyed("a" * 2_000_000 + "@")


def test_a_companys_own_words_are_kept_and_no_others(build: Build) -> None:
    reason = "Barista course, asked by Amal"
    company = {"orders": [{**order("O1"), "reason": reason}]}
    kept = build(company, policy={"kept_words": ["barista"]}).warehouse.rows("select reason from current.orders")
    left_out = build(company).warehouse.rows("select reason from current.orders")
    assert "Barista" in kept[0][0]
    assert "Barista" not in left_out[0][0]
    assert "Amal" not in kept[0][0] + left_out[0][0]
