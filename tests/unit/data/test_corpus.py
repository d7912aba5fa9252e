from collections import Counter

import pytest

from rnnlab.data import corpus
from rnnlab.data.corpus import Review
from rnnlab.project.params import Params
from rnnlab.project.sections.data import Sample


def reviews(settings: Params, seed: int = 1, **changes: object) -> list[Review]:
    sample = Sample.model_validate(settings.sample.model_dump() | {"rows": 400, "label_noise": 0.0} | changes)
    return list(corpus.reviews(sample, seed))


def drawn(settings: Params, seed: int = 1, **changes: object) -> list[tuple[str, str]]:
    return [(text, label) for text, label, _ in reviews(settings, seed, **changes)]


def words_after_the_verdict(text: str) -> int:
    spoken = text.split()
    verdicts = {"is", "found", "was", "it", *corpus.ADVERBS}
    return len(spoken) - max(place for place, word in enumerate(spoken) if word in verdicts)


def test_equal_seeds_draw_equal_corpora(settings: Params) -> None:
    assert drawn(settings, seed=1) == drawn(settings, seed=1)
    assert drawn(settings, seed=1) != drawn(settings, seed=2)


def test_texts_are_distinct_and_labels_balanced(settings: Params) -> None:
    rows = drawn(settings)
    assert len({text for text, _ in rows}) == 400
    assert Counter(label for _, label in rows) == {"positive": 200, "negative": 200}


def test_a_mixed_review_holds_praise_and_blame_in_its_verdict(settings: Params) -> None:
    rows = drawn(settings, mixed_share=0.3, distractor_share=0.0, contrast_share=0.0)
    counts = Counter(label for _, label in rows)
    assert set(counts) == {"positive", "negative", "mixed"}
    assert 80 < counts["mixed"] < 160
    for text, label in rows:
        kinds = {word in corpus.PRAISE for word in text.split() if word in corpus.PRAISE + corpus.BLAME}
        assert (kinds == {True, False}) == (label == "mixed"), text


def test_noise_gives_a_mixed_review_another_label(settings: Params) -> None:
    rows = drawn(settings, mixed_share=0.99, label_noise=0.4, distractor_share=0.0)
    assert {label for _, label in rows} == {"positive", "negative", "mixed"}


def test_far_verdicts_are_as_far_as_asked_for(settings: Params) -> None:
    distances = [words_after_the_verdict(text) for text, _ in drawn(settings, distance=60, far_share=1.0)]
    assert min(distances) >= 30
    assert max(distances) > 50
    near = [words_after_the_verdict(text) for text, _ in drawn(settings, distance=60, far_share=0.0)]
    assert max(near) < 12


def test_each_review_says_whether_its_verdict_is_far(settings: Params) -> None:
    for text, _, distance in reviews(settings, distance=60, far_share=0.5):
        assert (words_after_the_verdict(text) >= 30) == (distance == "far"), text


def test_a_negation_may_stand_apart_from_what_it_negates(settings: Params) -> None:
    gaps = Counter[int]()
    for text, _ in drawn(settings, negation_share=0.9, negation_gap=3, contrast_share=0.0, distractor_share=0.0):
        words = text.split()
        found = [place for place, word in enumerate(words) if word in corpus.NEGATIONS]
        [verdict] = [place for place, word in enumerate(words) if word in corpus.PRAISE + corpus.BLAME]
        gaps.update(verdict - place - 1 for place in found)
    assert set(gaps) == {0, 1, 2, 3}
    assert min(gaps.values()) > 50


def test_what_parts_a_negation_says_nothing_of_the_label(settings: Params) -> None:
    """The same words stand in verdicts without a negation, as often."""
    counts = {True: [0, 0], False: [0, 0]}
    for text, _ in drawn(settings, rows=2000, negation_share=0.5, distractor_share=0.0):
        negated = any(word in corpus.NEGATIONS for word in text.split())
        counts[negated][0] += sum(word in corpus.ADVERBS for word in text.split())
        counts[negated][1] += 1
    per_text = [adverbs / texts for adverbs, texts in counts.values()]
    assert per_text[0] == pytest.approx(per_text[1], rel=0.1)


@pytest.mark.parametrize("contrast", [0.0, 0.9])
def test_the_verdict_decides_the_label(settings: Params, contrast: float) -> None:
    rows = drawn(settings, negation_share=0.0, contrast_share=contrast, distractor_share=0.0)
    for text, label in rows:
        judged = [word for word in text.split() if word in corpus.PRAISE + corpus.BLAME]
        assert (judged[-1] in corpus.PRAISE) == (label == "positive"), text


def test_a_negation_turns_the_verdict(settings: Params) -> None:
    rows = drawn(settings, negation_share=0.99, contrast_share=0.0, distractor_share=0.0)
    turned = [
        label
        for text, label in rows
        if any(negation in text.split() for negation in corpus.NEGATIONS)
        for word in text.split()
        if word in corpus.PRAISE
    ]
    assert turned
    assert set(turned) == {"negative"}


def test_label_noise_flips_that_share(settings: Params) -> None:
    clean, noisy = drawn(settings, rows=4000), drawn(settings, rows=4000, label_noise=0.2)
    flipped = sum(first[1] != second[1] for first, second in zip(clean, noisy, strict=True)) / 4000
    assert flipped == pytest.approx(0.2, abs=0.03)
