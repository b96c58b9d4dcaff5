"""How every HTML page is made: from its template, escaped."""

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
