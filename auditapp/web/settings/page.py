"""What a page of Settings says of itself, and how it is shown."""

from bisect import insort
from collections.abc import Callable
from typing import Any, NamedTuple

from flask import Blueprint, Response, g, make_response, render_template, request, url_for

from auditapp.access.permissions import Permission
from auditapp.http.gates import View
from auditapp.models import Workspace
from auditapp.web.gate import permission_required


class SettingsPage:
    """A page of Settings: its title, the permission that lets one pass, and its place among the others.

    Its views stand below its address, behind its gate or one of their own; the one called ``index`` is the
    page itself.
    """

    def __init__(
        self,
        name: str,
        title: str,
        permission: Permission,
        *,
        place: int,
        failing: Callable[[Workspace], int] = lambda _workspace: 0,
    ) -> None:
        """Add a page to Settings.

        :param name: of its blueprint; with hyphens, the last part of its address.
        :param place: the lower, the further to the left.
        :param failing: how much of what the page lists fails, said on its tab on every page.
        """
        self.name, self.title, self.permission = name, title, permission
        self.place, self.failing = place, failing
        self.bp = Blueprint(name, __name__, url_prefix=f"/w/<workspace>/settings/{name.replace('_', '-')}")
        insort(PAGES, self, key=lambda page: page.place)

    def get(self, path: str = "") -> Callable[[View], View]:
        """Register a view for GET."""
        return self._route(path, "GET", self.permission)

    def post(self, path: str = "", *, permission: Permission | None = None) -> Callable[[View], View]:
        """Register a view for POST.

        :param permission: that is asked for instead of the page's.
        """
        return self._route(path, "POST", permission or self.permission)

    def _route(self, path: str, method: str, permission: Permission) -> Callable[[View], View]:
        def register(view: View) -> View:
            gated = permission_required(permission)(view)
            self.bp.add_url_rule(path, view_func=gated, methods=[method])
            return gated

        return register

    @property
    def url(self) -> str:
        """Return its address in the viewer's workspace."""
        return url_for(f"{self.name}.index", workspace=g.viewer.workspace.slug)

    @property
    def is_current(self) -> bool:
        """Tell whether it, or something below it, is asked for."""
        return request.blueprint == self.name


PAGES: list[SettingsPage] = []


def settings_pages() -> list[SettingsPage]:
    """Return the pages that the viewer may open, in their order."""
    return [page for page in PAGES if g.viewer.can(page.permission)]


class Tab(NamedTuple):
    """A page as the navigation of Settings shows it, and how much of what it lists fails."""

    page: SettingsPage
    failing: int


def show_settings(template: str, status: int = 200, *, error: str | None = None, **context: Any) -> Response:
    """Render a page of Settings, whose template asks the database nothing.

    :param template: its file in ``templates/settings``.
    :param error: what could not be done, said on top; the form keeps what was typed.
    """
    page = render_template(
        f"settings/{template}",
        workspace=g.viewer.workspace.slug,
        tabs=[Tab(page, page.failing(g.viewer.workspace)) for page in settings_pages()],
        error=error,
        form=request.form,
        **context,
    )
    return make_response(page, status)
