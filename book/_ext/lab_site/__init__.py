"""The Sphinx extension that makes the built site: offline, light, accessible, and of its own look.

It renders mathematics with KaTeX (:mod:`.math`), replaces the theme's page by its own (``templates``,
``style``), brings local fonts (:mod:`.fonts`) and the explorables (:mod:`.assets`), adds four directives
(:mod:`.directives`), and ends with an audit (:mod:`.audit`) that fails a strict build on anything external or broken.
"""

from __future__ import annotations

from . import (
    assets,
    audit,
    chapters,
    directives,
    download,
    letters,
    math,
    online,
    page,
    reference,
    search,
    set_links,
    sources,
    teaching,
)

__all__ = ["setup"]


def _configure(app, config) -> None:
    config.templates_path = [*config.templates_path, str(chapters.TEMPLATES)]
    config.nb_ipywidgets_js = {}                                      # no require.js, no html-manager
    config.nb_mime_priority_overrides = [("html", "text/html", 5)]    # before widget-view, which has 10


def setup(app) -> dict:
    app.add_html_math_renderer("katex_static", (math.visit_inline, None), (math.visit_block, None))
    app.connect("config-inited", _configure, priority=900)
    app.connect("builder-inited", chapters.install, priority=900)     # after the theme's own numbering
    app.connect("source-read", directives.fold_code)
    app.connect("doctree-resolved", directives.code_last, priority=900)
    app.connect("doctree-resolved", directives.fold, priority=900)
    app.connect("doctree-resolved", directives.fold_deeper, priority=900)
    app.connect("doctree-resolved", directives.box_tokens, priority=900)
    app.connect("html-page-context", page.compose, priority=900)
    app.connect("build-finished", assets.finish, priority=800)
    app.connect("build-finished", download.finish, priority=850)
    app.connect("build-finished", audit.finish, priority=900)
    set_links.connect(app)
    sources.connect(app)
    online.connect(app)
    reference.connect(app)
    teaching.connect(app)
    search.connect(app)
    app.connect("source-read", letters.check, priority=100)
    for name, directive in directives.DIRECTIVES.items():
        app.add_directive(name, directive)
    return {"env_version": int(page.version(), 16), "parallel_read_safe": True, "parallel_write_safe": False}
