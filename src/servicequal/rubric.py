"""Rubric: which rules count, with which weights, thresholds, caps and critical marks.

The default rubric is the rules' own weights. A user's rubric is a small YAML file over it::

    rules:
      CSE102: {weight: 0}                    # switch one rule off
      FLX105: {critical: true, cap: 40}      # missed: the overall score is at most 40
      EXP101: {weight: 3, within: 1}         # a heavier weight and a stricter window
    dimensions: {recovery: 2}                # weight of a dimension within overall
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from .errors import RubricError
from .rules import DIMENSIONS, RULES, Rule


class RuleSetting(BaseModel):
    """What a rubric says of one rule. Keys besides these are the rule's own thresholds."""

    model_config = ConfigDict(frozen=True, extra="allow")

    weight: float | None = Field(default=None, ge=0, le=100, allow_inf_nan=False)
    critical: bool | None = None
    cap: float | None = Field(default=None, ge=0, le=100)

    @property
    def params(self) -> dict[str, float]:
        """The thresholds given, by name."""
        return dict(self.__pydantic_extra__ or {})


class Rubric(BaseModel):
    """Settings by rule code or name, and the weight of each dimension within the overall score. Frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "default"
    rules: dict[str, RuleSetting] = Field(default_factory=dict)
    dimensions: dict[str, Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]] = Field(default_factory=dict)
    _place: str = PrivateAttr(default="")

    @property
    def place(self) -> str:
        """The file it came from, as the beginning of an error; empty where it came from none."""
        return self._place


DEFAULT_DIMENSIONS: Mapping[str, float] = dict.fromkeys(DIMENSIONS, 1.0)


class Judged(BaseModel):
    """One rule as this rubric counts it."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    rule: Rule
    weight: float
    params: dict[str, float]
    critical: bool = False
    cap: float = 40.0


def load_rubric(source: str | Path | Mapping[str, Any] | Rubric | None) -> Rubric:
    """A rubric from a YAML file, a mapping or nothing. Raises RubricError naming key and mend."""
    if isinstance(source, Rubric):
        return source
    where = "rubric"
    if source is None:
        return Rubric()
    raw: Any = source
    if isinstance(source, str | Path):
        where = str(source)
        try:
            raw = yaml.safe_load(Path(source).read_text("utf-8"))
        except OSError as error:
            raise RubricError(f"{where}: cannot be read: {error.strerror}") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise RubricError(f"{where}: not valid YAML: {error}") from error
    if not isinstance(raw, dict | None):
        raise RubricError(f"{where}: a rubric is a mapping with the keys name, rules, dimensions")
    try:
        rubric = Rubric.model_validate(raw or {})
    except ValidationError as error:
        lines = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise RubricError(f"{where}: {lines}") from error
    if isinstance(source, str | Path):
        rubric._place = f"{where}: "
    return rubric


def apply_rubric(rubric: Rubric, rules: Sequence[Rule] = RULES) -> tuple[Judged, ...]:
    """The rules with the rubric's settings over their defaults. Raises RubricError for an unknown rule."""
    settings: dict[str, RuleSetting] = {}
    for key, setting in rubric.rules.items():
        try:
            code = find_rule(key, rules).code
        except RubricError as error:
            raise RubricError(f"{rubric.place}rules: {error}") from None
        if code in settings:
            raise RubricError(f"{rubric.place}rules: {code} is set twice, by its code and by its name")
        settings[code] = setting
    unknown = [d for d in rubric.dimensions if d not in DIMENSIONS]
    if unknown:
        raise RubricError(f"{rubric.place}dimensions: {', '.join(unknown)} unknown; known: {', '.join(DIMENSIONS)}")
    return tuple(_judged(rule, settings.get(rule.code), rubric.place) for rule in rules)


def _judged(rule: Rule, setting: RuleSetting | None, where: str) -> Judged:
    if setting is None:
        return Judged(rule=rule, weight=rule.weight, params=dict(rule.params), critical=rule.critical, cap=rule.cap)
    for name, value in setting.params.items():
        if name not in rule.params:
            known = ", ".join(["weight", "critical", "cap", *rule.params])
            raise RubricError(f"{where}rules.{rule.code}.{name}: no such setting; this rule has: {known}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1000:
            raise RubricError(f"{where}rules.{rule.code}.{name}: {value!r} is not a number above 0 and below 1000")
    return Judged(
        rule=rule,
        weight=rule.weight if setting.weight is None else setting.weight,
        params={**rule.params, **setting.params},
        critical=rule.critical if setting.critical is None else setting.critical,
        cap=rule.cap if setting.cap is None else setting.cap,
    )


def find_rule(key: str, rules: Sequence[Rule] = RULES, also: Sequence[str] = ()) -> Rule:
    """A rule by code, name or retired alias, whatever the case. Raises RubricError with near names, among them
    those in ``also``."""
    import difflib

    wanted = key.strip().lower()
    for rule in rules:
        if wanted in (rule.code.lower(), rule.name.lower(), *(a.lower() for a in rule.aliases)):
            return rule
    names = [*(n for r in rules for n in (r.code, r.name)), *also]
    near = difflib.get_close_matches(key, names, n=3, cutoff=0.4)
    hint = f"; did you mean {', '.join(near)}?" if near else "; `servicequal rules` lists them"
    raise RubricError(f"no rule {key!r}{hint}")


def dimension_weights(rubric: Rubric) -> dict[str, float]:
    """The weight of each dimension within the overall score."""
    return {d: rubric.dimensions.get(d, DEFAULT_DIMENSIONS[d]) for d in DIMENSIONS}


def rubric_hash(rubric: Rubric, judged: Sequence[Judged], extra: Sequence[str] = ()) -> str:
    """A short hash over everything that decides points: rules, weights, thresholds, packs and model."""
    payload = {
        "rules": [[j.rule.code, j.weight, sorted(j.params.items()), j.critical, j.cap] for j in judged],
        "dimensions": sorted(dimension_weights(rubric).items()),
        "extra": list(extra),
    }
    return hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()[:12]
