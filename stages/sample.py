"""Nothing → the embedded data: labelled texts in the format of the IMDB CSV, a numeric series, and a classic task."""

from rnnlab.data import classics, corpus, wave
from rnnlab.project import layout, params
from rnnlab.project.errors import exit_status
from rnnlab.project.files import write_csv


def main() -> None:
    """Draws all three data sets."""
    settings = params.read()
    columns = ["review", "sentiment", "distance"]
    write_csv(layout.SAMPLE_REVIEWS, columns, corpus.reviews(settings.sample, settings.sample.seed))
    write_csv(layout.SAMPLE_SERIES, ["value"], ([value] for value in wave.wave(settings.wave, settings.sample.seed)))
    write_csv(layout.SAMPLE_CLASSIC, *classics.table(settings.classic))


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
