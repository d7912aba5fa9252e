"""What the parts of a transfer share: the tags of copies, and small helpers."""

import platform
from urllib.parse import urlsplit

# Tags of copies: the id in the source, what the source is for people, and that nothing is missing.
FROM, STORE, COMPLETE = "transferred_from", "transferred_store", "transfer_complete"
# Written by the server itself, with the target's own numbers.
VERSIONS = "mlflow.modelVersions"


def marks(tags: dict[str, str], origin: str, source_uri: str) -> dict[str, str]:
    """Makes the tags of a copy from those of its original; `COMPLETE` is none of them.

    Args:
        tags: of the original.
        origin: its id.
        source_uri: of the store it is in.
    """
    # The source may hold copies itself: their marks are not of this transfer.
    kept = {key: value for key, value in tags.items() if key not in (COMPLETE, VERSIONS)}
    store = shown(source_uri)
    # For people: ids alone decide, for they are unique and a folder may be moved.
    return {**kept, FROM: origin, STORE: f"{store} on {platform.node()}" if store.startswith("sqlite:") else store}


def shown(uri: str) -> str:
    """An address without a password."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if "@" in parts.netloc else uri
