"""One compiled scorer and one reading of the samples for the whole session."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

import servicequal as sq
from servicequal.cues import CueFinder
from servicequal.packs import Pack, builtin_packs
from support import SAMPLES

settings.register_profile(
    "servicequal",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("servicequal")


@pytest.fixture(scope="session")
def packs() -> tuple[Pack, ...]:
    return builtin_packs()


@pytest.fixture(scope="session")
def scorer() -> sq.Scorer:
    """Phrases and rules alone: what the learned detector adds is tested with the detector."""
    return sq.Scorer(model=False)


@pytest.fixture(scope="session")
def finder(scorer: sq.Scorer) -> CueFinder:
    return scorer._finder


@pytest.fixture(scope="session")
def samples() -> dict[str, sq.Conversation]:
    return {c.id: c for c in sq.read(SAMPLES)}


@pytest.fixture(scope="session")
def whole() -> sq.Scorer:
    """Phrases, detector and rules, as everybody scores."""
    return sq.Scorer()


@pytest.fixture(scope="session")
def cards(whole: sq.Scorer, samples: dict[str, sq.Conversation]) -> dict[str, sq.Scorecard]:
    return {name: whole.score(c) for name, c in samples.items()}
