"""How every HTML page is made: from its template, in the language asked for, escaped."""

from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined

from reconciliation_assets.publish.wording import ENGLISH, Wording


def rendered(template: str, say: Wording = ENGLISH, **values: object) -> str:
    """A template with its values; everything but the template itself is text, whatever it looks like."""
    folder = files("reconciliation_assets.publish").joinpath("templates")

    def source_of(name: str) -> str:
        text = folder.joinpath(name).read_text("utf-8")
        return say.template(text) if name.endswith(".html.j2") else text

    templates = Environment(
        loader=FunctionLoader(source_of),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template(template).render(say=say, **values)
