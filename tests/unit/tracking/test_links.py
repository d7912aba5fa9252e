import json
from urllib.parse import parse_qs, urlsplit

from rnnlab.tracking.links import page_links


def query(address: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(address).fragment.partition("?")[2])


def test_links_name_the_children_themselves() -> None:
    links = page_links("http://127.0.0.1:5000", "1", "parent", ["a", "b"])
    assert list(links) == [
        "all models",
        "all networks",
        "all runs",
        "last result",
        "its models side by side",
        "their curves overlaid",
    ]
    for name in ("its models side by side", "their curves overlaid"):
        assert json.loads(query(links[name])["runs"][0]) == ["a", "b"]
        assert json.loads(query(links[name])["experiments"][0]) == ["1"]
    assert json.loads(query(links["their curves overlaid"])["metric"][0]) == "val_accuracy"
    assert all("workflowType=machine_learning" in address for address in links.values())


def test_an_empty_store_still_has_its_table() -> None:
    assert list(page_links("http://127.0.0.1:5000", "1", None, [])) == ["all models", "all networks", "all runs"]
