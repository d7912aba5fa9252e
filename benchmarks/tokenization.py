"""Tokenization: ours against other libraries, and how the time grows with the rows."""

from tqdm import tqdm

from benchmarks import report, texts, timing
from benchmarks.report import Section, Table
from benchmarks.timing import Race, Rival

RIVALS = {
    "ours": Rival("benchmarks.vocabularies:ours"),
    "Keras TextVectorization": Rival("benchmarks.vocabularies:keras_layer"),
    "Hugging Face tokenizers": Rival("benchmarks.vocabularies:hugging_face", needs="tokenizers"),
    "scikit-learn CountVectorizer": Rival("benchmarks.vocabularies:scikit_learn"),
    "ours, from raw texts": Rival("benchmarks.vocabularies:ours_raw"),
}
SCALES = (1, 2, 4, 10)


def measure(quick: bool) -> Section:
    """Measures how long it takes to choose a vocabulary and to encode."""
    base, rounds = (1000, 3) if quick else (5000, 3)
    sizes = [base * scale for scale in SCALES]
    with timing.workers(RIVALS) as pools:
        races = [timing.race(pools, RIVALS, size, rounds) for size in tqdm(sizes, desc="tokenization", disable=None)]
    megabytes = [sum(len(text.encode()) for text in texts.texts(size)) / 1e6 for size in sizes]
    raw = {str(size): race._asdict() for size, race in zip(sizes, races, strict=True)}
    return Section("Tokenization", [_speed(sizes, megabytes, races), _growth(sizes, races)], raw)


def _speed(sizes: list[int], megabytes: list[float], races: list[Race]) -> Table:
    def cell(race: Race, name: str, size: float) -> str:
        if name not in race.samples:
            return report.NOT_INSTALLED
        speed = f"{size / timing.least(race.samples[name]):.1f} MB/s"
        return speed if name == "ours" else f"{speed}, {report.times(race.samples[name], race.samples['ours'])}"

    rows = [
        [f"{count:,}", f"{size:.1f}", *(cell(race, name, size) for name in RIVALS)]
        for count, size, race in zip(sizes, megabytes, races, strict=True)
    ]
    sentence = (
        f"**A vocabulary of 10,000 words chosen from {texts.name()}, and all of them encoded**, cut and padded to 200 "
        "ids. All read texts that are clean; the last column cleans them first (entities, markup, composed "
        "characters), which the others never do. CountVectorizer gives counts, no sequences."
    )
    return Table(sentence, ("rows", "MB", *RIVALS), rows)


def _growth(sizes: list[int], races: list[Race]) -> Table:
    def cell(race: Race, name: str) -> str:
        if name not in race.samples:
            return report.NOT_INSTALLED
        return f"{timing.least(race.samples[name]) / timing.least(races[0].samples[name]):.1f}×"

    rows = [
        [f"{size // sizes[0]}×", *(cell(race, name) for name in RIVALS)]
        for size, race in zip(sizes, races, strict=True)
    ]
    return Table("**Growth**: how many times the seconds of the fewest rows.", ("rows", *RIVALS), rows)
