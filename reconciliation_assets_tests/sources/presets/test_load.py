"""A company's own presets stand beside the shipped ones, over them, or say plainly what is wrong with them."""

from pathlib import Path

import pytest

from reconciliation_assets.sources.presets.load import PresetError, fingerprint, load_presets, shipped_presets
from reconciliation_assets.sources.presets.model import Preset

OWN = """
title: rates of the treasury
columns:
  day: {headings: [Value Date], holds: date, required: true}
  currency: {headings: [CCY], required: true}
  rate: {headings: [AED per unit], holds: amount, required: true}
tables:
  - table: fx_rates
    columns: {date: day, currency: currency, rate: rate}
"""


def loaded(folder: Path, **files: str) -> dict[str, Preset]:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return {preset.name: preset for preset in load_presets(folder)}


def test_without_a_folder_the_shipped_presets_hold(tmp_path: Path) -> None:
    assert load_presets(tmp_path / "presets") == shipped_presets()


def test_own_presets_stand_beside_the_shipped_ones(tmp_path: Path) -> None:
    assert set(loaded(tmp_path, treasury=OWN)) == {preset.name for preset in shipped_presets()} | {"treasury"}


def test_a_preset_of_the_same_name_replaces_the_shipped_one(tmp_path: Path) -> None:
    assert loaded(tmp_path, courier_cod=OWN)["courier_cod"].title == "rates of the treasury"


def test_an_extending_preset_adds_headings_and_says_what_differs(tmp_path: Path) -> None:
    text = "extends: courier_cod\nday_order: month_first\ndefaults: {currency: SAR}\ncolumns: {waybill: {headings: [Parcel]}}\n"
    own, shipped = (
        loaded(tmp_path, courier_cod=text)["courier_cod"],
        {p.name: p for p in shipped_presets()}["courier_cod"],
    )
    assert own.columns["waybill"].headings == (*shipped.columns["waybill"].headings, "Parcel")
    assert (own.day_order, own.defaults, own.tables) == ("month_first", {"currency": "SAR"}, shipped.tables)
    assert fingerprint(own) != fingerprint(shipped), "files are read anew"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "is not readable as YAML"),
        ("- a", "must be a YAML mapping"),
        ("extends: nothing", "extends 'nothing', which is not shipped"),
        (OWN.replace("date: day", "date: dya"), "the column dya is used but not described"),
        (OWN.replace("fx_rates", "fx"), "there is no table fx"),
        (OWN.replace(", rate: rate}", "}"), "fx_rates needs the column rate"),
        (OWN.replace("date: day", "date: day, price: rate"), "fx_rates has no column price"),
        (OWN.replace("[CCY]", "[value-date]"), "the heading 'value date' is given to day and to currency"),
        (OWN + "defaults: {market: AE}\n", "none of its tables has a column market"),
        (OWN.replace("date: day,", "date: {take: day, constant: x},"), "a column is filled in exactly one way"),
        (OWN + "passed_over: [{because: x, where: [{column: day, matches: '('}]}]\n", "not a regular expression"),
        (OWN + "passed_over: [{because: x, where: [{column: day}]}]\n", "needs exactly one of: is, one_of, matches"),
        (OWN.replace("holds: date", "holds: date, zone: Asia/Dubay"), "there is no time zone 'Asia/Dubay'"),
        (OWN.replace("  day:", "  row: {headings: [x]}\n  day:"), "the name row has a meaning of its own"),
        (OWN + "decimals: ','\n", "decimals: there is no such key"),
    ],
)
def test_what_is_wrong_with_a_preset_is_said_with_its_file(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(PresetError) as raised:
        loaded(tmp_path, mine=text)
    assert "presets/mine.yaml" in str(raised.value)
    assert says in str(raised.value)
