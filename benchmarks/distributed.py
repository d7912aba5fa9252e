"""One of the processes that train a network together: `python -m benchmarks.distributed WORK ADDRESS COUNT NUMBER`."""

import json
import sys
import time

from benchmarks import networks
from benchmarks.distribution import EPOCHS
from benchmarks.work import CLIP_NORM, LEARNING_RATE, Work, rows


def main() -> None:
    """Trains; prints the seconds of the fastest epoch, and the losses of all."""
    work, address = Work(**json.loads(sys.argv[1])), sys.argv[2]
    processes, number = int(sys.argv[3]), int(sys.argv[4])
    import jax

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    import keras

    if processes > 1:
        keras.utils.set_random_seed(1)
        keras.distribution.initialize(address, processes, number)
        devices = keras.distribution.list_devices()
        keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False))
    model = networks.keras_model(work, mask=False)
    tokens, labels = rows(work)
    optimizer = keras.optimizers.Adam(LEARNING_RATE, global_clipnorm=CLIP_NORM)
    model.compile(optimizer=optimizer, loss="binary_crossentropy")
    seconds, losses = [], []
    for _ in range(EPOCHS):
        started = time.perf_counter()
        # Each process reads its share of every batch.
        fitted = model.fit(
            tokens[number::processes],
            labels[number::processes],
            batch_size=work.batch // processes,
            shuffle=False,
            verbose=0,
        )
        seconds.append(time.perf_counter() - started)
        losses.append(float(fitted.history["loss"][0]))
    print(json.dumps({"seconds": min(seconds[1:]), "losses": losses}))


if __name__ == "__main__":
    main()
