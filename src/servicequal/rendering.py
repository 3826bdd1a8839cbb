"""How a value is shown in a notebook, without the value knowing who draws it.

Values stand at the left of the house and the report at its right, and nothing imports leftwards. So the classes get
their ``_repr_html_`` from here, and the one line that goes the other way is a look-up by name, made when a notebook
asks and not before: scoring never pays for it.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module
from typing import Any

_PAINTER = "servicequal.report.notebook"


class Rendered:
    """Adds the methods that notebooks look for; :mod:`servicequal.report.notebook` draws.

    Works with frozen classes and with slots: there is no state here.
    """

    __slots__ = ()

    def _repr_html_(self) -> str:
        """The value as HTML that stands by itself: no script, no network, its style within."""
        html: str = import_module(_PAINTER).html_of(self)
        return html

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, Any]:
        """The same in HTML and in plain text, for front ends that show one of them."""
        bundle: dict[str, Any] = import_module(_PAINTER).mimebundle(self, include, exclude)
        return bundle
