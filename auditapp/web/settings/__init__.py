"""Settings: each page is a module here and a template; bar, tabs and gates follow from what it says."""

from importlib import import_module
from pkgutil import iter_modules

from flask import Flask

from auditapp.web.settings.page import PAGES, settings_pages

for _found in iter_modules(__path__):
    import_module(f"{__name__}.{_found.name}")


def init_app(app: Flask) -> None:
    """Register the pages, and tell templates which of them the viewer may open."""
    for page in PAGES:
        app.register_blueprint(page.bp)
    app.add_template_global(settings_pages)


def check_every_settings_route_has_a_page(app: Flask) -> None:
    """Refuse to start with a settings route that the navigation knows nothing of, or a page without its view.

    :raise RuntimeError: naming the endpoints.
    """
    views = {f"{page.bp.name}.index" for page in PAGES}
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules() if "settings" in rule.rule.split("/")}
    strangers = [name for name in endpoints if f"{name.rpartition('.')[0]}.index" not in views]
    if strangers:
        raise RuntimeError(f"settings routes of no page in web/settings: {', '.join(sorted(strangers))}")
    if missing := views - endpoints:
        raise RuntimeError(f"settings pages without their view: {', '.join(sorted(missing))}")
