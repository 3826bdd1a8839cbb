from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks
from sklearn.utils.fixes import parse_version

import servicequal as sq
from servicequal.packs import CUES, HURTING
from servicequal.rules import RULES
from support import talk

COLD = talk("c: My parcel never came. When will it come?", "a: That's nothing to do with us.", "c: This is ridiculous.")
WARM = talk("c: Where is my parcel?", "a: I'm sorry. I've sent a new one, it will be with you by noon tomorrow.")


@pytest.fixture(scope="module")
def features(scorer: sq.Scorer) -> sq.ConversationFeatures:
    return sq.ConversationFeatures(scorer)


def test_every_column_says_what_the_scorecard_says(features, scorer):
    row = dict(zip(features.get_feature_names_out(), features.transform([COLD])[0], strict=True))
    card = scorer.score(COLD)
    assert (row["agent_turns"], row["customer_turns"], row["agent_words"]) == (1, 2, 6)
    assert row["agent_disowning"] == sum(m.cue == "disowning" and m.status == "plain" for m in card.cues) == 1
    assert row["customer_frustration"] == 1
    for finding in card.findings:
        if finding.points is None:
            assert np.isnan(row[f"rule_{finding.code}"])
        else:
            share = finding.points + finding.lost
            assert row[f"rule_{finding.code}"] == pytest.approx(finding.points / share)
    assert row["score_overall"] == card.overall
    assert row["coverage_recovery"] == card.coverage["recovery"]
    assert np.isnan(row["dynamics_duration"])
    assert {rule.code for rule in RULES} == {name.removeprefix("rule_") for name in row if name.startswith("rule_")}


def test_a_softened_deflection_is_a_feature_of_its_own(features, scorer):
    soft = talk(
        "c: My parcel never came.", "a: That's down to the courier. I've rung them: they'll come by noon tomorrow."
    )
    row = dict(zip(features.get_feature_names_out(), features.transform([soft])[0], strict=True))
    assert [m.status for m in scorer.score(soft).cues if m.cue == "disowning"] == ["softened"]
    assert (row["agent_disowning"], row["agent_disowning_softened"]) == (0, 1)


def test_groups_are_switched_off_by_name(scorer):
    only = sq.ConversationFeatures(scorer, rules=False, scores=False, dynamics=False)
    names = list(only.get_feature_names_out())
    assert len(names) == len(set(names)) == 4 + len(CUES) + len(HURTING)
    assert only.transform([COLD, WARM]).shape == (2, len(names))
    assert only.set_params(cues=False).transform([COLD]).shape == (1, 4)


def test_whatever_holds_conversations_gives_the_same_numbers(features):
    expected = features.transform([COLD, WARM])
    array = np.empty(2, object)
    array[:] = [COLD, WARM]
    for held in (
        (COLD, WARM), array, array.reshape(2, 1), pd.Series([COLD, WARM]), pd.DataFrame({"talk": [COLD, WARM]}),
        [COLD.model_dump(), WARM.model_dump()],
    ):  # fmt: skip
        np.testing.assert_array_equal(features.fit_transform(held), expected)
    assert features.transform([]).shape == (0, expected.shape[1])


def test_what_is_no_conversation_is_said(features):
    with pytest.raises(sq.ReadError, match="item 1 is no conversation: turns"):
        features.transform([COLD, {"id": "x", "turns": "hello"}])
    with pytest.raises(sq.ReadError, match=r"more than one column .*from_frame"):
        features.fit(pd.DataFrame({"speaker": ["agent"], "text": ["Hello."]}))
    for wrong in ("text", 3, COLD):
        with pytest.raises(sq.ReadError, match="is no sequence of conversations"):
            features.transform(wrong)
    with pytest.raises(sq.ReadError, match="item 0 is no conversation"):
        features.transform(np.ones((2, 3)))


def test_output_is_a_frame_where_asked_with_the_input_s_index(scorer):
    named = sq.ConversationFeatures(scorer).set_output(transform="pandas")
    frame = named.fit_transform(pd.Series([COLD, WARM], index=["a", "b"]))
    assert list(frame.columns) == list(named.get_feature_names_out())
    assert list(frame.index) == ["a", "b"]


def test_copies_are_equal_and_cost_no_new_scorer(features, scorer):
    copied = clone(features)
    assert copied is not features
    assert copied.scorer is scorer
    again = pickle.loads(pickle.dumps(features))
    np.testing.assert_array_equal(again.transform([COLD]), features.transform([COLD]))
    assert set(features.get_params()) == {"scorer", "cues", "rules", "scores", "dynamics"}


def test_it_drops_into_a_pipeline_and_a_grid_search(scorer):
    talks, good = [COLD, WARM] * 6, [0, 1] * 6
    pipe = make_pipeline(sq.ConversationFeatures(scorer), SimpleImputer(keep_empty_features=True), LogisticRegression())
    search = GridSearchCV(pipe, {"conversationfeatures__rules": [True, False]}, cv=2).fit(talks, good)
    assert list(search.predict([WARM, COLD])) == [1, 0]
    assert search.best_score_ == 1
    names = search.best_estimator_[:-1].get_feature_names_out()
    assert "agent_disowning" in names


def test_a_cue_of_one_s_own_is_a_column(tmp_path):
    pack = tmp_path / "greeting.yaml"
    pack.write_text(
        "cue: greeting\nspeaker: agent\neffect: helps\nwhy: A greeting opens the door.\nsource: ours\n"
        "phrases: ['good (morning|afternoon)']\nexamples: {}\n"
    )
    own = sq.ConversationFeatures(sq.Scorer(packs=[pack], model=False))
    row = dict(zip(own.get_feature_names_out(), own.transform([talk("a: Good morning!")])[0], strict=True))
    assert row["agent_greeting"] == 1


CHECKED = parse_version(sklearn.__version__) >= parse_version("1.6")
WORDS = ("That's nothing to do with us.", "I'm sorry.", "Okay.", "I've sent a new one.")


class OnNumbers(sq.ConversationFeatures):
    """The transformer behind a door that takes numbers, which is all that scikit-learn's checks have to give."""

    def fit(self, X, y=None):  # noqa: N803, ARG002
        from sklearn.utils.validation import validate_data

        return super().fit(talks_of(validate_data(self, X)))

    def transform(self, X):  # noqa: N803
        from sklearn.utils.validation import validate_data

        return super().transform(talks_of(validate_data(self, X, reset=False)))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.allow_nan = False
        tags.no_validation = False
        return tags


def talks_of(rows: np.ndarray) -> list[sq.Conversation]:
    """A conversation for each row: what is said depends on the numbers."""
    return [talk(*(f"a: {WORDS[int(abs(number)) % len(WORDS)]}" for number in row[:4])) for row in rows]


if CHECKED:

    @pytest.mark.filterwarnings("ignore:Can't test estimator")
    @estimator_checks.parametrize_with_checks([sq.ConversationFeatures()])
    def test_the_checks_that_need_no_input(estimator, check):
        check(estimator)

    @estimator_checks.parametrize_with_checks([OnNumbers(dynamics=False)])
    def test_the_checks_that_need_input(estimator, check):
        check(estimator)
