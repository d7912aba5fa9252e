from rnnlab.project import pins


def test_pins_are_of_all_that_is_needed() -> None:
    found = pins.installed().splitlines()
    assert {f"rnn-vs-lstm=={pins.version()}"} <= set(found)
    assert all(any(line.startswith(f"{name}==") for line in found) for name in ("tensorflow", "dvc-ssh", "numpy"))
