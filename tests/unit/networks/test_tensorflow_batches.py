import numpy as np

from rnnlab.networks import tensorflow_batches
from rnnlab.networks.batches import Batches

INPUTS = np.arange(1, 61, dtype=np.int32).reshape(20, 3)
TARGETS = np.arange(20, dtype=np.float32)[:, None]


def test_an_epoch_is_that_of_the_batches_and_so_is_the_next() -> None:
    batches = Batches(INPUTS, TARGETS, 8, seed=1, by_length=False)
    data = tensorflow_batches.from_batches(batches)
    assert len(data) == 3
    seen = []
    for _ in range(2):
        epoch = list(data.as_numpy_iterator())
        for place, (inputs, targets) in enumerate(epoch):
            np.testing.assert_array_equal(inputs, batches[place][0])
            np.testing.assert_array_equal(targets, batches[place][1])
            assert inputs.dtype == np.int32 and targets.dtype == np.float32
        seen.append(np.concatenate([targets for _, targets in epoch])[:, 0])
        batches.draw_next()
    assert sorted(seen[0]) == sorted(seen[1]) == list(range(20))
    assert (seen[0] != seen[1]).any()


def test_rows_keep_their_order_and_the_last_batch_has_what_is_left() -> None:
    found = list(tensorflow_batches.from_rows(INPUTS, TARGETS, 8).as_numpy_iterator())
    assert [len(inputs) for inputs, _ in found] == [8, 8, 4]
    np.testing.assert_array_equal(np.concatenate([inputs for inputs, _ in found]), INPUTS)
    np.testing.assert_array_equal(np.concatenate([targets for _, targets in found]), TARGETS)


def test_nothing_is_tuned_while_a_network_trains() -> None:
    batches = Batches(INPUTS, TARGETS, 8, seed=1, by_length=False)
    for data in (tensorflow_batches.from_batches(batches), tensorflow_batches.from_rows(INPUTS, TARGETS, 8)):
        assert data.options().autotune.enabled is False
