import keras
import numpy as np
import pytest

from rnnlab.networks import batches


def dataset(rows: int, batch_size: int, seed: int = 1, by_length: bool = True, finished: int = 0) -> batches.Batches:
    """Rows whose words and target are all their own number plus one, of any length up to 30."""
    lengths = np.random.default_rng(7).integers(1, 31, rows)
    numbers = np.arange(1, rows + 1)
    inputs = np.where(np.arange(30) >= 30 - lengths[:, None], numbers[:, None], 0).astype(np.int32)
    targets = numbers[:, None].astype(np.float32)
    return batches.Batches(inputs, targets, batch_size, seed, by_length=by_length, finished_epochs=finished)


def epoch(data: batches.Batches) -> list[tuple[np.ndarray, np.ndarray]]:
    return [data[place] for place in range(len(data))]


@pytest.mark.parametrize("by_length", [True, False])
def test_an_epoch_has_each_row_once_with_its_own_target(by_length: bool) -> None:
    found = epoch(dataset(1000, 16, by_length=by_length))
    assert sorted(len(targets) for _, targets in found) == [8] + [16] * 62
    assert sorted(np.concatenate([targets[:, 0] for _, targets in found])) == list(range(1, 1001))
    assert all((inputs.max(axis=1) == targets[:, 0]).all() for inputs, targets in found)


def test_lengths_in_a_batch_are_alike_and_batches_come_in_no_order() -> None:
    longest = []
    for inputs, _ in epoch(dataset(4000, 16)):
        lengths = np.count_nonzero(inputs, axis=1)
        assert np.ptp(lengths) <= 3
        longest.append(lengths.max())
    assert abs(np.corrcoef(longest[:-1], longest[1:])[0, 1]) < 0.2


def test_lengths_of_numbers_are_those_of_steps_that_are_not_zero_in_every_channel() -> None:
    lengths = np.random.default_rng(7).integers(1, 31, 2000)
    inputs = np.zeros((2000, 30, 3), np.float32)
    inputs[:, :, 1] = np.arange(30) >= 30 - lengths[:, None]
    data = batches.Batches(inputs, lengths[:, None].astype(np.float32), 16, 1, by_length=True)
    assert max(np.ptp(targets) for _, targets in epoch(data)) <= 3


def test_lengths_are_mixed_where_nothing_is_skipped() -> None:
    spreads = [np.ptp(np.count_nonzero(inputs, axis=1)) for inputs, _ in epoch(dataset(4000, 16, by_length=False))]
    assert np.median(spreads) > 20


def test_a_training_that_goes_on_reads_what_it_would_have_read() -> None:
    whole = dataset(1000, 16)
    for _ in range(3):
        whole.draw_next()
    later = dataset(1000, 16, finished=3)
    for _ in range(2):
        pairs = zip(epoch(whole), epoch(later), strict=True)
        assert all((one[1] == other[1]).all() for one, other in pairs)
        whole.draw_next()
        later.draw_next()


@pytest.mark.parametrize(
    ("by_length", "finished", "orders"),
    [
        (True, 0, [[6, 7, 4], [5, 2, 3], [1]]),
        (False, 0, [[1, 3, 4], [2, 6, 7], [5]]),
        (True, 2, [[1], [5, 2, 3], [6, 7, 4]]),
    ],
)
def test_orders_that_committed_results_follow_from_stay(
    by_length: bool, finished: int, orders: list[list[int]]
) -> None:
    found = epoch(dataset(7, 3, by_length=by_length, finished=finished))
    assert [targets[:, 0].tolist() for _, targets in found] == orders


@pytest.mark.filterwarnings("error")
def test_keras_takes_the_batches_without_a_warning() -> None:
    network = keras.Sequential([keras.Input((30,)), keras.layers.Dense(1)])
    network.compile(loss="mse")
    network.evaluate(dataset(20, 8), verbose=0)


def test_epochs_differ_and_follow_from_the_seed() -> None:
    def orders(seed: int) -> list[list[float]]:
        data, found = dataset(500, 16, seed), []
        for _ in range(2):
            found.append([target for _, targets in epoch(data) for target in targets[:, 0]])
            data.draw_next()
        return found

    first, again, other = orders(1), orders(1), orders(2)
    assert first == again
    assert first[0] != first[1]
    assert first != other


def test_neighbours_by_length_are_not_always_the_same_rows() -> None:
    # 4000 rows are five pools: which rows can meet is drawn anew each epoch.
    data = dataset(4000, 16)
    meets = []
    for _ in range(2):
        meets.append({frozenset(targets[:, 0]) for _, targets in epoch(data)})
        data.draw_next()
    assert not meets[0] & meets[1]
