"""The report as one page of HTML, with nothing to fetch: styles and charts inside."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from training.assessment import Assessment
from training.assessment_text import sentences, tables
from training.questions import Answered
from training.report.charts import legend_key
from training.report.figures import sections

TEMPLATES = Path(__file__).parent / "templates"


def html_report(found: Assessment, answered: Answered, title: str, about: str) -> str:
    """The page on an assessment and the answers it was made from; `about` says which model was asked about what, when."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(key=lambda style: Markup(legend_key(style)), drawn=lambda svg: Markup(svg))  # noqa: S704 - our own SVG, whose texts are escaped where it is drawn
    template = environment.get_template("report.html")
    return template.render(
        title=title, about=about, sentences=sentences(found), sections=sections(found, answered), tables=tables(found)
    )
