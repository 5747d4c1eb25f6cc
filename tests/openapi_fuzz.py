"""Fuzzing a service by its own OpenAPI: Schemathesis makes the requests, real and broken, several parties send them.

What must hold for each answer: no 5xx, a status and a media type that the document names, a body of its schema, and
nothing that belongs to another party. Path parameters are often replaced by ids that exist, of one's own or of
others, so that more than "absent" is answered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

__all__ = ["Party", "follow_links", "fuzz"]

_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@dataclass(frozen=True)
class Party:
    """Who sends: headers that prove it, and texts that nobody else may ever be answered with."""

    name: str
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: Sequence[str] = ()


def fuzz(
    url: str,
    parties: Sequence[Party],
    *,
    examples: int,
    ids: Mapping[str, Sequence[str]] | None = None,
    without: Sequence[str] = (),
) -> Counter[tuple[str, int]]:
    """Send `examples` requests per operation to the service at `url`; how often each status was answered.

    Args:
        ids: by the name of a path parameter, values that exist.
        without: paths that are left out.
    Raises:
        AssertionError: what was answered must not be; Schemathesis' own failures are such.
    """
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    answered: Counter[tuple[str, int]] = Counter()
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]  # an invalid document raises here, as it should
        if operation.path not in without:
            _fuzz_operation(operation, parties, examples, ids or {}, answered)
    return answered


def _fuzz_operation(
    operation: Any,
    parties: Sequence[Party],
    examples: int,
    ids: Mapping[str, Sequence[str]],
    answered: Counter[tuple[str, int]],
) -> None:
    cases = operation.as_strategy()
    modes = [cases]
    if operation.body or operation.query or operation.path_parameters:
        modes.append(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))

    @settings(
        max_examples=examples,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def send(data: st.DataObject) -> None:
        case = data.draw(st.one_of(modes))
        party = data.draw(st.sampled_from(parties))
        for name, values in ids.items():
            if name in (case.path_parameters or {}) and data.draw(st.booleans()):
                case.path_parameters[name] = data.draw(st.sampled_from(values))
        answer = case.call(headers=dict(party.headers), timeout=60, allow_redirects=False)
        answered[operation.label, answer.status_code] += 1
        case.validate_response(answer, checks=_CHECKS)
        foreign = [s for other in parties if other is not party for s in other.secrets]
        leaked = sum(secret in answer.text for secret in foreign)
        assert not leaked, f"{operation.label} answered {party.name} with what is another's"

    send()


def follow_links(
    url: str, party: Party, *, examples: int, people: Mapping[str, Sequence[object]], steps: int = 6
) -> Counter[tuple[str, int]]:
    """Walk along the links of the document, `examples` times `steps` requests, as `party`; the same must hold.

    Args:
        people: by the name of a member of a body, values that exist.
    """
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    answered: Counter[tuple[str, int]] = Counter()

    class Walk(schema.as_state_machine()):  # type: ignore[misc]  # made at run time
        def before_call(self, case: Any) -> None:
            for name, values in people.items():
                if isinstance(case.body, dict) and name in case.body:
                    case.body[name] = values[len(answered) % len(values)]

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            linked = "authorization" in {name.lower() for name in case.headers or {}}
            return {"headers": {} if linked else dict(party.headers), "allow_redirects": False, "timeout": 60}

        def after_call(self, response: Any, case: Any) -> None:
            answered[case.operation.label, response.status_code] += 1

        def validate_response(self, response: Any, case: Any, **_: Any) -> None:
            case.validate_response(response, checks=_CHECKS)

    Walk.run(
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            database=None,
            derandomize=True,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
    )
    return answered
