"""Languages: nothing is left untranslated, no value is lost on the way, and figures are the same in every language."""

import csv
import re
from collections.abc import Iterator
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from reconciliation_assets.chain.tables import published_tables
from reconciliation_assets.operations.alerts import AlertState, SensorState, update_state
from reconciliation_assets.operations.digests import digests
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.publish.amounts import FigureFormatter
from reconciliation_assets.publish.copy import publish
from reconciliation_assets.publish.figures import Published
from reconciliation_assets.publish.queues import write_queues
from reconciliation_assets.publish.report import render_report
from reconciliation_assets.publish.wording import ENGLISH, texts_of, wording
from reconciliation_assets.publish.workbook import write_workbook
from reconciliation_assets.settings import Settings
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import AS_OF
from reconciliation_assets_tests.publish.texts import REPORT, Text, texts
from reconciliation_assets_tests.rows import insight, order, payment

ARABIC = wording("ar_AE")
# Names that are the same in every language, and what identifies a thing.
NAMES = {"Meta", "reconciliation", "xlsx", "reconcile", "open", "AED", "GMT"}
LATIN = re.compile(r"[A-Za-z][A-Za-z']+")
FILLED_IN = re.compile(r"{\w*}")


def forms(text: Text, catalogue: Catalog) -> list[str]:
    message = catalogue.get(text if isinstance(text, str) else text[0])
    if message is None:
        return []
    return [message.string] if isinstance(message.string, str) else list(message.string or ())


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    path = files("reconciliation_assets.publish").joinpath("locale", "ar", "LC_MESSAGES", "reports.po")
    with path.open("rb") as file:
        return read_po(file, locale="ar")


def test_every_text_is_translated(catalogue: Catalog) -> None:
    untranslated = [text for text in texts() if not forms(text, catalogue) or not all(forms(text, catalogue))]
    assert untranslated == []
    assert not any(message.fuzzy for message in catalogue if message.id)


def test_a_translation_is_in_arabic_but_for_names_and_what_is_filled_in(catalogue: Catalog) -> None:
    strays = {}
    for text in texts():
        for form in forms(text, catalogue):
            words = LATIN.findall(re.sub(r"{\w*}|`[^`]*`|\w*_\w+[^،؛]*|\w+\.(?:xlsx|csv)|line = '\w+'", "", form))
            if left := [word for word in words if word not in NAMES]:
                strays[form] = left
    assert strays == {}


def test_no_value_is_lost_or_invented_by_a_translation(catalogue: Catalog) -> None:
    """What a text of a template fills in may be an English ending, which Arabic leaves out; a figure may not."""
    template = REPORT.read_text("utf-8")
    endings = {
        "{3}": 'record{{ "s" if',
        "{7}": 'payment{{ "s" if',
    }
    for text in texts():
        wanted = set(FILLED_IN.findall(text if isinstance(text, str) else text[1]))
        for form in forms(text, catalogue):
            lost = wanted - set(FILLED_IN.findall(form))
            if isinstance(text, str) and text.startswith("Not included"):
                assert all(endings[name] in template for name in lost)
                lost = set()
            # One and two are said in a word.
            assert lost <= ({"{number}", "{days}"} if isinstance(text, tuple) else set()), form
            assert set(FILLED_IN.findall(form)) <= wanted, form
            assert "<" not in form.replace("<> 0", "")
            assert "{%" not in form
            assert "{{" not in form


def test_a_template_is_read_in_whole_sentences() -> None:
    source = '<p class="a">Of {{ x | f("<b>") }} rows{% if y %} and <code>t_1</code>; more{% endif %}</p><td data-label="Due, {{ c }}">'
    assert list(texts_of(source)) == ["Of {1} rows", "and {1}; more", "Due, {1}"]
    assert ENGLISH.template(source) == source
    assert ENGLISH.template(REPORT.read_text("utf-8")) == REPORT.read_text("utf-8")


def test_a_language_without_a_catalogue_is_english() -> None:
    assert wording("fr_FR")("Collected") == "Collected"
    assert (wording("fr_FR").direction, ARABIC.direction, ARABIC.language) == ("ltr", "rtl", "ar")


@pytest.mark.parametrize(
    ("locale", "numerals", "written"),
    [
        ("ar_AE", "latn", ["1,234.50", "12.3%", "يوليو 2026"]),
        ("ar_AE", "arab", ["١٬٢٣٤٫٥٠", "١٢٫٣٪", "يوليو ٢٠٢٦"]),
        ("ar_EG", "arab", ["١٬٢٣٤٫٥٠", "١٢٫٣٪", "يوليو ٢٠٢٦"]),
        ("en_AE", "arab", ["١٬٢٣٤٫٥٠", "١٢٫٣٪", "July ٢٠٢٦"]),
    ],
)  # fmt: skip
def test_numerals_are_those_the_policy_names(locale: str, numerals: str, written: list[str]) -> None:
    write = FigureFormatter("AED", locale, numerals)  # type: ignore[arg-type]
    told = [write.money(Decimal("1234.5")), write.share(0.123), write.month(AS_OF.date())]
    assert [re.sub("[\u200e\u200f\u061c]", "", text) for text in told] == written


@pytest.mark.parametrize(("numerals", "written"), [("latn", "\u200e-1,234.50"), ("arab", "\u061c-١٬٢٣٤٫٥٠")])
def test_a_minus_stays_before_its_number_from_right_to_left(numerals: str, written: str) -> None:
    write = FigureFormatter("AED", "ar_AE", numerals)  # type: ignore[arg-type]
    assert write.money(Decimal("-1234.5")) == written
    assert write.marks()["minus"] == written[:2]


def test_a_number_of_things_has_its_form() -> None:
    said = [
        ARABIC.plural("Still failing after {days} day", "Still failing after {days} days", days, days=days)
        for days in (1, 2, 5, 30)
    ]
    assert said == [
        "ما زال معطلًا بعد يوم واحد",
        "ما زال معطلًا بعد يومين",
        "ما زال معطلًا بعد 5 أيام",
        "ما زال معطلًا بعد 30 يومًا",
    ]


def amounts(html: str) -> list[str]:
    return re.findall(r'<td class="n[^"]*"[^>]*>([^<]*)<', html)


def shown(html: str) -> Iterator[str]:
    """What a reader sees of the page as it opens: no style, script, name of a table, or sentence that is data."""
    html = re.sub(r"<(style|script|code)\b.*?</\1>", " ", html, flags=re.DOTALL)
    html = re.sub(r'<bdi\b.*?</bdi>|<(\w+)[^>]*dir="auto"[^>]*>.*?</\1>', " ", html, flags=re.DOTALL)
    yield from re.findall(r'(?:aria-label|data-label)="([^"]*)"', html)
    yield re.sub(r"<[^>]*>", " ", html)


def test_the_report_is_in_arabic_from_right_to_left_with_the_same_figures(published_path: Path) -> None:
    with Published(published_path) as published:
        english = render_report(published, AS_OF, "en_AE")
        arabic = render_report(published, AS_OF, "ar_AE")
    assert '<html lang="ar" dir="rtl">' in arabic
    assert '<html lang="en" dir="ltr">' in english
    marks = re.compile("[\u200e\u200f\u061c]")
    figures = [text for text in amounts(english) if re.search(r"\d", text)]
    assert len(figures) > 50
    assert [marks.sub("", text) for text in amounts(arabic) if re.search(r"\d", text)] == [
        marks.sub("", text) for text in figures
    ]
    strays = {word for text in shown(arabic) for word in LATIN.findall(text)} - NAMES
    assert strays == set()


def test_the_workbook_has_arabic_headings_and_the_same_formulas(published_path: Path, tmp_path: Path) -> None:
    write_workbook(published_path, tmp_path / "en.xlsx", AS_OF)
    write_workbook(published_path, tmp_path / "ar.xlsx", AS_OF, ARABIC)
    english, arabic = openpyxl.load_workbook(tmp_path / "en.xlsx"), openpyxl.load_workbook(tmp_path / "ar.xlsx")
    assert arabic.sheetnames == english.sheetnames
    for sheet in arabic:
        assert sheet.sheet_view.rightToLeft, sheet.title
        strays = {
            str(cell.value)
            for row in sheet.iter_rows(max_row=1 if sheet.title != "Bridge" else 7)
            for cell in row
            if isinstance(cell.value, str) and not cell.value.startswith("=") and set(LATIN.findall(cell.value)) - NAMES
        }
        assert strays == set(), sheet.title
    sums = [[cell.value for cell in sheet["B"][7:18]] for sheet in (english["Bridge"], arabic["Bridge"])]
    assert sums[0] == sums[1]
    # What the formula of the chosen campaign compares with is what the cell says.
    assert f'"{arabic["Bridge"]["B4"].value}"' in arabic["Bridge"]["C4"].value
    assert arabic["Choices"]["A2"].value == arabic["Bridge"]["B4"].value


@pytest.fixture(scope="module")
def waiting(build_once: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published copy of a company for whom something of several kinds waits."""
    company = {
        "meta_insights": [insight()],
        "orders": [order("O1", status="odd", value="250"), order("O3", status="cancelled", value="40")],
        "payments": [payment("P1", order_id="O3", amount=40), payment("P2", amount=7.25)],
    }
    path = tmp_path_factory.mktemp("waiting") / "reconciliation.duckdb"
    publish(build_once(company).make_all().warehouse, published_tables(), path)
    return path


def test_queues_say_in_arabic_what_to_do(waiting: Path, tmp_path: Path) -> None:
    zone = ZoneInfo("Asia/Dubai")
    english = write_queues(waiting, tmp_path / "en", ["finance", "operations"], zone)
    arabic = write_queues(waiting, tmp_path / "ar", ["finance", "operations"], zone, ARABIC)
    assert list(arabic.values()) == list(english.values()) == [2, 1]
    for path, other in zip(arabic, english, strict=True):
        headings, *rows = csv.reader(path.read_text("utf-8-sig").splitlines())
        names, *originals = csv.reader(other.read_text("utf-8-sig").splitlines())
        assert [heading for heading in headings if LATIN.search(heading)] == []
        translated = {names.index("kind"), names.index("what_to_do")}
        for row, original in zip(rows, originals, strict=True):
            for column, (cell, before) in enumerate(zip(row, original, strict=True)):
                if column in translated:
                    assert not LATIN.search(re.sub(r"\w+_\w+", "", cell)), cell
                else:
                    assert cell == before


def test_alerts_and_digests_are_in_arabic_but_for_a_checks_own_message(waiting: Path) -> None:
    policy = load_policy(None).policy.model_copy(update={"locale": "ar_AE"})
    finding = AlertState(
        problem="p", position=1, kind="check", is_broken=True, what="w", message="The check's words.", owner="finance", link="http://x",
    )  # fmt: skip
    (notice,) = update_state(SensorState(has_begun=True), [finding], AS_OF, policy.alerts, ARABIC).outbox
    assert notice.title == "عطل: w"
    assert notice.text == "The check's words.\nالمسؤول: finance\nافتح في الواجهة: http://x"
    with Published(waiting) as published:
        told = digests(published, AS_OF.date(), policy, Settings(data_dir=Path("/d")))
    assert told
    for digest in told:
        assert digest.title.startswith("بنود ")
        kinds = [line for line in digest.text.splitlines() if line.startswith("- ")]
        assert kinds
        assert [line for line in kinds if set(LATIN.findall(re.sub(r"\w+_\w+", "", line))) - NAMES] == []
