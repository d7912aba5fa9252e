"""What a cell of a stranger's table holds, by its look; and how people name columns."""

import re

WORDS, NUMBER, DATE, URL = "words", "number", "date", "url"
LONGEST_CELL = 80  # characters of a number, a date or an address without a path

_NUMBER = re.compile(r"[-+]?[$€£]?(\d{1,3}([,.' ]\d{3})+|\d+)?([.,]\d+)?(e[-+]?\d+)?\s?[%$€£]?", re.IGNORECASE)
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([T ].*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}([ ,].*)?|\d{1,2}:\d{2}(:\d{2})?.{0,6}"
    rf"|{_MONTH} \d{{1,2}}(st|nd|rd|th)?,? \d{{4}}.*|\d{{1,2}}\.? {_MONTH},? \d{{4}}.*"
    rf"|(mon|tue|wed|thu|fri|sat|sun)[a-z]*,? .*\d{{4}}",
    re.IGNORECASE,
)
_URL = re.compile(r"(https?|ftp)://\S+|www\.\S+|[\w.+-]+@[\w-]+\.[\w.]+|(/[\w.-]+){2,}/?", re.IGNORECASE)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


TEXT_NAMES = _set(
    "text texts review reviews sentence sentences comment comments tweet tweets message messages body content document"
    " description phrase utterance question email post article statement headline abstract reviewtext review_text"
    " comment_text tweet_text full_text review_body text_body summary_text sms verbatim feedback"
)
LABEL_NAMES = (  # the first group is the more telling
    _set("label labels class classes target sentiment y category_id label_text gold polarity intent"),
    _set("category topic rating ratings stars star score emotion type tag grade genre sentiment_label"),
)
OTHER_NAMES = _set(
    "id index idx key uuid date time timestamp datetime created created_at updated url link source split fold set name"
    " title user username author user_id product product_id price year month day language lang country city value"
    " values count number no helpful votes likes"
)
KNOWN_NAMES = frozenset[str]().union(TEXT_NAMES, *LABEL_NAMES, OTHER_NAMES)
CALENDAR = _set("year month day hour minute second week weekday date time timestamp")
SEQUENCE_NAMES = _set("sequence sequence_id seq series series_id sample sample_id trial recording episode walk id case")
STEP_NAMES = _set("step time_step timestep t time frame tick timestamp position seconds second ms offset")
GROUP_NAMES = _set(
    "group person subject patient user participant speaker performer volunteer environment place site house room device"
    " sensor_id session location driver animal"
)
ID_NAMES = _set("id index idx no nr row number key uuid")


def kind(cell: str) -> str:
    """Says what a cell looks like."""
    stripped = cell.strip()
    if not stripped or len(stripped) > 2000:
        return WORDS
    if len(stripped) <= LONGEST_CELL:
        if any(map(str.isdigit, stripped)) and _NUMBER.fullmatch(stripped):
            return NUMBER
        if _DATE.fullmatch(stripped):
            return DATE
    return URL if _URL.fullmatch(stripped) else WORDS


def name_key(name: str) -> str:
    """Writes the name of a column as the sets above do."""
    return re.sub(r"[\s-]+", "_", name.strip().lower())


def is_named(name: str, names: frozenset[str]) -> bool:
    """Whether a column, or the last word of its name, is called by one of some names, such as airline_sentiment."""
    key = name_key(name)
    return key in names or key.rpartition("_")[2] in names
