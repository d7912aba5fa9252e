"""Draws that committed results follow from: another order or split is another result, however well it is drawn."""

import hashlib

import numpy as np
import numpy.typing as npt

from rnnlab.data import classics, corpus, reviews, wave
from rnnlab.project.params import Params
from rnnlab.project.sections.data import Classic


def digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def test_drawn_splits_stay(settings: Params) -> None:
    digests: npt.NDArray[np.uint64] = np.random.default_rng(5).integers(0, 2**63, 400).astype(np.uint64)
    labels = (digests % 3 == 0).astype(np.int8)
    unassigned = np.full(400, reviews.UNASSIGNED, np.int8)
    drawn = reviews.assign_splits(digests, labels, unassigned, settings.split)
    assert digest(drawn.tobytes()) == "f0ecb3aad3727b7f"
    some = settings.split.model_copy(update={"train_share": 0.1})
    assert digest(reviews.assign_splits(digests, labels, unassigned, some).tobytes()) == "7f01cb9d655a6e10"
    own = np.where(np.arange(400) % 5 == 0, 2, 0).astype(np.int8)
    column = settings.split.model_copy(update={"method": "column"})
    assert digest(reviews.assign_splits(digests, labels, own, column).tobytes()) == "df6ec57aaa11e1be"


def test_the_embedded_data_stay(settings: Params) -> None:
    few = settings.sample.model_copy(update={"rows": 50})
    assert digest(repr([tuple(review) for review in corpus.reviews(few, few.seed)]).encode()) == "2012309f92615ef5"
    together = few.model_copy(update={"negation_gap": 0})  # as the corpus was up to 0.2.0
    assert digest(repr([(text, label) for text, label, _ in corpus.reviews(together, few.seed)]).encode()) == (
        "3b80aa1abdd34124"
    )
    assert digest(wave.wave(settings.wave, few.seed).tobytes()) == "f825554e8995f0f2"


def test_the_classic_tasks_stay() -> None:
    found = {}
    for kind in classics.KINDS:
        rows = classics.examples(Classic(kind=kind, length=20, rows=50, seed=42))
        found[kind] = digest(repr([tuple(row) for row in rows]).encode())
    assert found == {
        "temporal_order": "fb669db857ce6b6a",
        "copy": "d905609360e798b1",
        "parity": "b70747577c58ec8d",
        "dyck1": "c29a4d5fa5cc6129",
        "dyck2": "aa19c546c3a1d4a2",
        "adding": "d76710a2fc54dfc7",
    }
