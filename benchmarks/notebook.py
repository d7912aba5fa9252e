"""What people write instead of this project: one script, stock layers, one seed, test accuracy at the end.

It stands for the notebooks that the pipeline replaces; only the benchmark uses it.
"""

import argparse

import keras
import pandas as pd
import tensorflow as tf
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("csv")
parser.add_argument("--words", type=int, default=10_000)
parser.add_argument("--length", type=int, default=200)
parser.add_argument("--embedding", type=int, default=128)
parser.add_argument("--units", type=int, default=128)
parser.add_argument("--epochs", type=int, default=3)
options = parser.parse_args()

keras.utils.set_random_seed(1)
frame = pd.read_csv(options.csv)
frame["label"] = (frame["sentiment"] == "positive").astype("float32")
if "split" in frame:
    train, test = frame[frame["split"] == "train"], frame[frame["split"] == "test"]
    train = train.sample(frac=1, random_state=1)  # Keras takes the last rows for validation
else:
    train, test = train_test_split(frame, test_size=0.2, random_state=1, stratify=frame["label"])

vectorize = keras.layers.TextVectorization(max_tokens=options.words)
vectorize.adapt(train["review"].to_numpy())


def pad(reviews: pd.Series) -> object:
    """Returns word ids padded in front, (rows, length)."""
    ragged = [row[row > 0] for row in vectorize(tf.constant(reviews.to_numpy())).numpy()]
    return keras.utils.pad_sequences(ragged, maxlen=options.length)


inputs, test_inputs = pad(train["review"]), pad(test["review"])
for layer in (keras.layers.SimpleRNN, keras.layers.LSTM):
    model = keras.Sequential(
        [
            keras.layers.Embedding(options.words, options.embedding, mask_zero=True),
            layer(options.units),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    optimizer = keras.optimizers.Adam(0.001, global_clipnorm=1.0)
    model.compile(optimizer=optimizer, loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(inputs, train["label"], batch_size=64, epochs=options.epochs, validation_split=0.1, verbose=2)
    print(layer.__name__, model.evaluate(test_inputs, test["label"], batch_size=256, verbose=0))
