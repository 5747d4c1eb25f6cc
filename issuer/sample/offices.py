"""The offices of Example City: city, counties, a town, a village (DOMAIN section 8)."""

from __future__ import annotations

from typing import Final

__all__ = ["OFFICES", "REGIONS"]

# code, names, code of the parent, region prefix. The first one mints.
OFFICES: Final = (
    ("99010000", "示例市社保局(测试)", "Example City Social Insurance Bureau (test)", None, "9901"),
    ("99010200", "示例县社保局(测试)", "Example County Social Insurance Bureau (test)", "99010000", "990102"),
    (
        "99010300",
        "样例区社保局(测试)",
        "Sample District Social Insurance Bureau (test)",
        "99010000",
        "990103",
    ),
    (
        "99010201",
        "示例镇社保所(测试)",
        "Example Town Social Insurance Station (test)",
        "99010200",
        "990102001",
    ),
    ("99010211", "示例村代办点(测试)", "Example Village Agent (test)", "99010201", "990102001001"),
)
# Where people are insured, and through which office.
REGIONS: Final = (("990102", "99010200"), ("990103", "99010300"), ("990104", "99010000"))
