"""How every HTML page is made: from its template, escaped, and written whole or not at all."""

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined


def rendered(template: str, **values: object) -> str:
    """A template with its values; everything but the template itself is text, whatever it looks like."""
    templates = Environment(
        loader=PackageLoader("reconciliation_assets.publish"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template(template).render(**values)


def write_whole(path: Path, html: str) -> None:
    """Write a page beside the old one and swap it in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(html, "utf-8")
    unfinished.replace(path)
