"""What is asked from nobody any more: an item that only retired templates ask."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from certificate.request import PolicyItem, SlotsItem
from certificate.template.language import Template

__all__ = ["retired_template"]


def retired_template(
    item: PolicyItem | SlotsItem, templates: Mapping[str, Template], *, today: date
) -> Template | None:
    """The template with whose retirement `item` stopped being required; None while it may be asked.

    An organisation gains nothing by asking the same without naming the template: the item itself counts. Where another
    template that is not retired asks it too, it goes on being asked.
    """
    asking = [template for template in templates.values() if _asks(template, item)]
    if not all(template.is_retired(today) for template in asking):
        return None
    return next(iter(asking), None)


def _asks(template: Template, item: PolicyItem | SlotsItem) -> bool:
    if isinstance(item, PolicyItem):
        return item.policy in template.policies
    return item.slots == template.slots
