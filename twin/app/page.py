"""The explore page: the city, full screen. It holds no logic; everything is a call into the floors below."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from twin.app.moving import answer_live

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twin.api import Basemaps
    from twin.app.city import ServedCity
    from twin.view.component import CityView

LANGUAGES = ("en", "zh")

TEMPLATE = """
{% extends base %}
{% block postamble %}
<style>html, body { margin: 0; height: 100%; overflow: hidden; } #city { position: fixed; inset: 0; }</style>
{% endblock %}
{% block contents %}<main id="city">{{ embed(roots.city) }}</main>{% endblock %}
"""


def explore(city: ServedCity, language: str, theme: str, basemaps: Basemaps | None = None) -> Any:
    """Return the page of one visitor.

    Parameters
    ----------
    city
        What is shown.
    language, theme
        Of the server; empty = what the visitor's address (``?lang=zh&theme=dark``) or browser asks for.
    basemaps
        Maps that may be laid under the city; None = there are none.
    """
    import panel as pn  # noqa: PLC0415  # takes seconds

    from twin.view.component import CityView  # noqa: PLC0415

    arguments = {name: values[0].decode() for name, values in pn.state.session_args.items() if values}
    view = CityView(
        city.scene,
        overlays=[] if city.service is None else city.service.specs,
        live=None if city.service is None else city.service.hub,
        scenarios=city.shelf,
        results=city.results,
        language=choose_language(language, arguments, pn.state.headers),
        theme=choose_theme(theme, arguments),
        full_page=True,
    )
    if basemaps is not None:
        view.offer_basemaps(basemaps.specs(), basemaps.check)
    _answer(view, city)
    city.pages.add(view)
    page = pn.Template(TEMPLATE)
    page.add_panel("city", view)
    return page


def renew(view: CityView, city: ServedCity) -> None:
    """Let an open page go on with the city as it is now."""
    service = city.service
    view.renew(
        city.scene,
        overlays=[] if service is None else service.specs,
        live=None if service is None else service.hub,
        scenarios=city.shelf,
    )
    _answer(view, city)


def _answer(view: CityView, city: ServedCity) -> None:
    if city.service is not None:
        answer_live(view.service, city.service.past)


def choose_language(fixed: str, arguments: Mapping[str, str], headers: Mapping[str, Any]) -> str:
    """Return ``en`` or ``zh``: what the address asks for, else the server, else the browser.

    Examples
    --------
    >>> choose_language("", {}, {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"})
    'zh'
    >>> choose_language("zh", {"lang": "en"}, {})
    'en'
    """
    asked = arguments.get("lang", "") or fixed
    if asked in LANGUAGES:
        return asked
    accepted = str(headers.get("Accept-Language", headers.get("accept-language", "")))
    ranked: list[tuple[float, str]] = []
    for part in accepted.split(","):
        name, _, weight = part.partition(";")
        share = re.fullmatch(r"\s*q=([01](?:\.\d{1,3})?)\s*", weight)
        ranked.append((float(share[1]) if share else 1.0, name.strip().lower().partition("-")[0]))
    return next((name for _, name in sorted(ranked, key=lambda each: -each[0]) if name in LANGUAGES), "en")


def choose_theme(fixed: str, arguments: Mapping[str, str]) -> str:
    """Return ``light`` or ``dark``: what the address asks for, else the server, else light.

    Examples
    --------
    >>> choose_theme("", {"theme": "dark"})
    'dark'
    """
    return next((name for name in (arguments.get("theme", ""), fixed) if name in {"light", "dark"}), "light")
