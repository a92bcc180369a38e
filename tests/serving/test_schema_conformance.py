"""Whatever the OpenAPI document allows, and what it does not, is answered as the document says: never by a failure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from serving.access.roles import Role
from serving.api.description import description_of
from serving.app import application
from tests.serving.browser import served
from tests.serving.builders import FixedSource, busy_desk, service_over
from tests.serving.stored_desk import TOKENS, Desk


@pytest.fixture(scope="module")
def address(prepared_desk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    desk = Desk(
        prepared_desk,
        tmp_path_factory.mktemp("conformance"),
        tick_seconds=3600,
        news_seconds=3600,
        failed_logins_per_minute=1e6,
        jobs_at_once=0,  # what may be asked for is asked for, not done
    )
    desk.add_keys(Role.ADMIN)
    with served(desk.app) as found:
        yield found


DESCRIPTION = schemathesis.openapi.from_dict(description_of(application(service_over(FixedSource(busy_desk(3))))))
OPERATIONS = {found.ok().label: found.ok() for found in DESCRIPTION.get_all_operations()}


# Not every request that the schema allows is accepted: cursors must be ours, events not lie in the future.
@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.name.lower())
def test_every_operation_keeps_to_its_description(name: str, mode: GenerationMode, address: str) -> None:
    @settings(
        max_examples=10,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=OPERATIONS[name].as_strategy(generation_mode=mode))
    def answered(case: Any) -> None:
        answer = case.call(base_url=address, headers={"Authorization": f"Bearer {TOKENS[Role.ADMIN].text}"})
        is_too_large = answer.status_code == 413  # refused before anyone looks whether it is well formed
        left_out = [positive_data_acceptance, *([negative_data_rejection] if is_too_large else [])]
        case.validate_response(answer, excluded_checks=left_out)

    try:
        answered()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # nothing can be sent that it does not allow
