"""Contacts leave memory as keys only: the same person has the same key, under another secret another one."""

import stat
from pathlib import Path

import pyarrow as pa
import pytest
from pydantic import SecretStr

from reconciliation_assets.contracts.inputs import LEADS, PAYMENTS
from reconciliation_assets.sources.protect import ContactKeyError, ContactProtector, load_contact_key
from reconciliation_assets_tests.rows import kept_rows

ONE, OTHER = ContactProtector(b"one secret"), ContactProtector(b"another secret")


def protected(protector: ContactProtector, **columns: list[str | None]) -> pa.Table:
    rows = pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})
    return kept_rows(protector, LEADS, rows)


def test_no_contact_column_is_left() -> None:
    batch = protected(ONE, lead_id=["1"], email=["amal@example.com"], phone=["0501234567"], full_name=["Amal"])
    assert batch.column_names == ["lead_id", "email_key", "phone_key", "name_keys", "name_sound_keys"]


def test_one_person_written_twice_has_one_key() -> None:
    batch = protected(
        ONE,
        email=["Amal@Example.com ", "amal@example.com"],
        phone=["0501234567", "+٩٧١٥٠١٢٣٤٥٦٧"],
        market=["AE", None],
        full_name=["Amal Al Ali", "ALI, AMAL"],
    )
    for column in ("email_key", "phone_key", "name_keys", "name_sound_keys"):
        one, other = batch[column].to_pylist()
        # The words of a name stay in the order written: the family's name says more than a given one.
        assert (sorted(one), one[::-1] == other) == (sorted(other), True) if "name" in column else one == other, column


def test_the_words_of_a_name_and_of_its_sounds_go_side_by_side_as_written() -> None:
    batch = protected(ONE, full_name=["Maha Faisal Nair", "Maha", "Faisal", "Nair"])
    for column in ("name_keys", "name_sound_keys"):
        whole, *words = batch[column].to_pylist()
        assert whole == [word for (word,) in words], column


def test_a_compound_given_name_is_one_word_however_it_is_written() -> None:
    names = ["Abd Al Rahman Saleh", "Abdul-Rahman Saleh", "Abdulrahman Saleh", "عبد الرحمن صالح"]
    sounds = protected(ONE, full_name=names)["name_sound_keys"].to_pylist()
    assert all(sound == sounds[0] and len(sound) == 2 for sound in sounds)


def test_keys_are_hmac_and_differ_by_secret() -> None:
    one, other = (
        protected(each, email=["amal@example.com"], phone=["+971501234567"], full_name=["Amal"])
        for each in (ONE, OTHER)
    )
    for column in ("email_key", "phone_key"):
        (key,) = one[column].to_pylist()
        assert len(key) == 64
        assert key != other[column].to_pylist()[0]
    assert one["name_keys"].to_pylist() != other["name_keys"].to_pylist()


def test_an_address_in_any_other_column_becomes_the_same_key() -> None:
    key = ONE.keyed("amal@example.com")
    batch = protected(
        ONE,
        lead_id=["Amal@example.com", "L2", None],
        landing_page=["https://shop.example/?mail=amal%40example.com&x=1", "https://shop.example/", ""],
        offer=["asked for by amal@example.com, twice", "20 % off @ the mall", None],
        email=["amal@example.com", None, None],
    )
    assert batch["lead_id"].to_pylist() == [key, "L2", None]
    assert batch["landing_page"].to_pylist() == ["https://shop.example/", "https://shop.example/", None]
    assert batch["offer"].to_pylist()[:2] == [f"asked for by {key}, twice", "20 % off @ the mall"]
    assert batch["email_key"].to_pylist()[0] == key


def test_a_local_number_is_read_in_the_market_else_the_currency_else_the_country_of_the_company() -> None:
    company = ContactProtector(b"one secret", "AED")
    numbers = {"phone": ["0501234567"] * 4, "market": ["SA", None, None, " "], "currency": ["AED", "SAR", None, "USD"]}
    international = protected(company, phone=["+966501234567"] * 2 + ["+971501234567"] * 2)
    assert protected(company, **numbers)["phone_key"] == international["phone_key"]


def test_what_cannot_be_read_has_no_key() -> None:
    batch = protected(ONE, email=["none", None, ""], phone=["0501234567", None, ""], full_name=["-", None, ""])
    assert batch["email_key"].to_pylist() == [None] * 3
    assert batch["phone_key"].to_pylist() == [None] * 3, "without a market a local number is never guessed"
    assert batch["name_keys"].to_pylist() == [None] * 3


def test_tables_without_a_contact_column_get_empty_keys() -> None:
    batch = kept_rows(ONE, PAYMENTS, pa.table({"payment_id": ["1"]}))
    assert batch["email_key"].to_pylist() == [None]
    assert batch["name_sound_keys"].to_pylist() == [None]


def test_the_secret_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    made = load_contact_key(tmp_path, None, is_new=True)
    assert len(made) == 64
    assert load_contact_key(tmp_path, None, is_new=True) == made
    assert stat.S_IMODE((tmp_path / "contact.key").stat().st_mode) == 0o600


def test_a_given_secret_is_used_and_not_written(tmp_path: Path) -> None:
    assert load_contact_key(tmp_path, SecretStr("given by somebody"), is_new=True) == b"given by somebody"
    assert list(tmp_path.iterdir()) == []


def test_a_short_secret_is_refused_from_the_environment_too(tmp_path: Path) -> None:
    """A key of two letters lets every mobile number of a country be tried."""
    with pytest.raises(ContactKeyError, match="fewer than 16 bytes"):
        load_contact_key(tmp_path, SecretStr("x" * 15), is_new=True)


def test_a_secret_is_made_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed while it is written, there is none; made by another process meanwhile, that one holds."""

    def killed(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        load_contact_key(tmp_path, None, is_new=True)
    assert list(tmp_path.iterdir()) == []
    rival = "a secret that a rival made"

    def outrun(descriptor: int) -> None:
        (tmp_path / "contact.key").write_text(rival)

    monkeypatch.setattr("os.fsync", outrun)
    assert load_contact_key(tmp_path, None, is_new=True) == rival.encode()
    assert [path.name for path in tmp_path.iterdir()] == ["contact.key"]


@pytest.mark.parametrize("content", [b"", b"  \n", b"\xff\xfe\x00", b"only fifteen by"])
def test_a_lost_secret_stops_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "contact.key").write_bytes(content)
    with pytest.raises(ContactKeyError, match="Restore it from your backup"):
        load_contact_key(tmp_path, None, is_new=True)


def test_a_key_that_is_lost_while_contacts_are_stored_is_not_replaced_in_silence(tmp_path: Path) -> None:
    with pytest.raises(ContactKeyError, match="Restore it from your backup"):
        load_contact_key(tmp_path, None, is_new=False)
    assert not (tmp_path / "contact.key").exists()
