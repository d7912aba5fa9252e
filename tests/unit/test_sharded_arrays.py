"""Rows of several arrays as one."""

import numpy as np
import pytest

from rnnlab.batches import Batches
from rnnlab.checkpoints import training_key
from rnnlab.sharded_arrays import ShardedArray, parts_of

WHOLE = np.arange(24, dtype=np.int32).reshape(8, 3) % 7


def sharded() -> ShardedArray:
    return ShardedArray([WHOLE[:3], WHOLE[3:4], WHOLE[4:]])


@pytest.mark.parametrize(
    "rows",
    [slice(None), slice(2, 5), slice(0, 0), np.array([7, 0, 3, 3]), np.array([], np.intp)],
    ids=["all", "across", "none", "mixed", "no places"],
)
def test_rows_are_those_of_one_array(rows: "slice | np.ndarray") -> None:
    found = sharded()[rows]
    np.testing.assert_array_equal(found, WHOLE[rows])
    assert found.dtype == WHOLE.dtype


def test_it_has_the_shape_of_one_array_and_becomes_one() -> None:
    array = sharded()
    assert (array.shape, array.dtype, len(array)) == (WHOLE.shape, WHOLE.dtype, 8)
    np.testing.assert_array_equal(np.asarray(array), WHOLE)
    assert [len(part) for part in parts_of(array)] == [3, 1, 4]
    assert parts_of(WHOLE)[0] is WHOLE


@pytest.mark.parametrize("by_length", [True, False])
def test_the_order_of_batches_does_not_depend_on_shards(by_length: bool) -> None:
    targets = np.arange(8, dtype=np.float32)[:, None]
    one = Batches(WHOLE, targets, 3, seed=5, by_length=by_length)
    other = Batches(sharded(), targets, 3, seed=5, by_length=by_length)
    for _ in range(2):
        for place in range(len(one)):
            for left, right in zip(one[place], other[place], strict=True):
                np.testing.assert_array_equal(left, right)
        one.draw_next()
        other.draw_next()


def test_a_checkpoint_is_of_the_rows_and_not_of_their_files() -> None:
    assert training_key({}, [WHOLE]) == training_key({}, [sharded()])
    assert training_key({}, [WHOLE]) != training_key({}, [sharded()[::-1]])
