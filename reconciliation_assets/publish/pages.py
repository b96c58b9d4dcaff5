"""Rendering of HTML pages: from a template, in the language asked for, with all values escaped."""

from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined

from reconciliation_assets.publish.wording import ENGLISH, Wording


def rendered(template: str, say: Wording = ENGLISH, **values: object) -> str:
    """The template as HTML with its values; all values are escaped."""
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
