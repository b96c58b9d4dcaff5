"""People whose contacts must never be found again: in rows that are used, and in every kind that cannot be."""

from pathlib import Path

EMAIL, PHONE, LATIN, ARABIC = "quetzalina.zorba@example.org", "0507654321", "Quetzalina Zorbastan", "زرقاء اليمامية"
E164 = "971507654321"

# What nothing at rest may hold, in lower case: the contacts as written, normalised, and word by word.
BAITS = (
    EMAIL,
    "quetzalina",
    "zorbastan",
    "zorba@",
    "زرقاء",
    "اليمامية",
    "اليماميه",
    PHONE,
    "٠٥٠٧٦٥٤٣٢١",
    E164,
    "507654321",
    "paid-by-zeynelabidine",
)

_LEADS = "lead_id,created_at,market,email,phone,full_name,whatsapp,form_id\n"
_GOOD = f"BAIT-1,2026-03-01T12:00:00Z,AE,{EMAIL},{PHONE},{LATIN},{PHONE},F1\nBAIT-2,2026-03-02T12:00:00Z,AE,,٠٥٠٧٦٥٤٣٢١,{ARABIC},{ARABIC},F2\n"
_IMPOSSIBLE = f"BAIT-3,2026-02-30,AE,{EMAIL},{PHONE},{LATIN},,F3\n"
_RAGGED = f"BAIT-4,2026-03-04T12:00:00Z,AE,{EMAIL},{PHONE},{ARABIC}\n"
_SHIFTED = f"BAIT-5,{LATIN},AE,2026-03-04T12:00:00Z,{PHONE},{EMAIL},,F5\n"

_PAYMENTS = "payment_id,kind,status,paid_at,amount,currency,email,phone,payer_name,reference\n"
_PAID = f"BAIT-P1,payment,settled,2026-03-05T12:00:00Z,77.70,AED,{EMAIL},{PHONE},{ARABIC},transfer\n"
_NEGATIVE = f"BAIT-P2,payment,settled,2026-03-05T12:00:00Z,-77.70,AED,,,{LATIN},transfer\n"
_SWAPPED = f"BAIT-P3,payment,settled,2026-03-05T12:00:00Z,{LATIN},AED,,,77.70,transfer\n"


def drop_baits(inbox: Path) -> None:
    """Drop files with baits beside a company's own: used, quarantined, ragged, not UTF-8, and set aside whole."""
    (inbox / "leads-baits.csv").write_text(_LEADS + _GOOD + _IMPOSSIBLE + _RAGGED + _SHIFTED, encoding="utf-8")
    (inbox / "payments-baits.csv").write_text(_PAYMENTS + _PAID + _NEGATIVE + _SWAPPED, encoding="utf-8")
    (inbox / "orders-baits.csv").write_text(f"order_id,full_name,email\nBAIT-O1,{ARABIC},{EMAIL}\n", encoding="utf-8")
    (inbox / "crm_records-baits.jsonl").write_text(f'{{"crm_id": "BAIT-D1", "full_name": "{LATIN}"\n', encoding="utf-8")
    (inbox / "crm_stage_changes-baits.csv").write_bytes(_PAYMENTS.encode() + f"{ARABIC},{LATIN}\n".encode("cp1256"))
