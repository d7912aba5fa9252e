"""Makes a site of the repository's documents, laid out as in the repository, so that their links need no change.

MkDocs calls the functions named ``on_…``. The table of contents is docs/README.md. A file or folder that a document
links to becomes a page too, as a browser would rather download it.
"""

import re
import sys
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import TYPE_CHECKING, Any

import notebooks  # beside this file, where MkDocs looks
import reference

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
CONTENTS = "docs/README.md"
FRONT = "README.md"
IMAGES = (".png", ".svg")
SEARCH = "assets/search_in_files.js"
# In no block of code: the first part of the pattern takes whole blocks, so that the second sees only what is between.
LINK = re.compile(r"^(```+).*?^\1|(?<=\]\()(?![a-z]+:|#)([^)\s#]+)", re.M | re.S)
ENTRY = re.compile(r"^(?:-|\d+\.) \[([^\]]+)\]\(([^)]+)\)", re.M)


def contents(document: Path = ROOT / CONTENTS) -> list[dict[str, Any]]:
    """Returns MkDocs' navigation: the lists of the table of contents, by the headings above them."""
    text = document.read_text(encoding="utf-8")
    found: list[dict[str, Any]] = [{"Start": [{"What this is": FRONT}, {"Contents": CONTENTS}]}]
    for section in text.split("\n## ")[1:]:
        heading, _, body = section.partition("\n")
        entries = [(title, _target(CONTENTS, link)) for title, link in ENTRY.findall(body)]
        found.append({heading: [{title: f"{path}.md" if _is_shown(path) else path} for title, path in entries]})
    return found


def closure(pages: list[str]) -> list[str]:
    """Returns these pages and all that they link to, directly or by way of others, as paths in the repository."""
    found = dict.fromkeys(pages)
    waiting = list(pages)
    while waiting:
        if (page := waiting.pop()).endswith((".md", ".ipynb")):
            text = notebooks.read(ROOT / page) if page.endswith(".ipynb") else (ROOT / page).read_text(encoding="utf-8")
            links = [_target(page, match[2]) for match in LINK.finditer(text) if match[2]]
            new = [link for link in dict.fromkeys(links) if link not in found and (ROOT / link).exists()]
            found |= dict.fromkeys(new)
            waiting += new
    return list(found)


def shown(path: str) -> str:
    """Returns the page of a notebook; or of a file's text or a folder's names, which a search leaves out."""
    place = ROOT / path
    if place.suffix == ".ipynb":
        return notebooks.executed(place)
    front = f"---\nsearch:\n  exclude: true\n---\n\n# `{path}`\n\n"
    if place.is_dir():
        names = sorted(file.name for file in place.iterdir() if not file.name.startswith(("_", ".")))
        return front + "\n".join(f"- `{name}`" for name in names)
    return f"{front}``````{place.suffix[1:]}\n{place.read_text(encoding='utf-8')}\n``````\n"


def with_pages(text: str, page: str) -> str:
    """Lets the links of a page lead to the pages that show files and folders."""

    def changed(match: re.Match[str]) -> str:
        is_shown = match[2] and _is_shown(target := _target(page, match[2])) and (ROOT / target).exists()
        return f"{match[0].rstrip('/')}.md" if is_shown else match[0]

    return LINK.sub(changed, text)


def on_config(config: "MkDocsConfig") -> None:
    """Sets the navigation, and a script of our own for that which the plugin `offline` would load from a server."""
    sys.path.insert(0, str(ROOT))  # `reference` reads rnnlab from these sources
    config.nav = contents()
    config.extra["polyfills"] = [SEARCH]


def on_files(files: "Files", *, config: "MkDocsConfig") -> None:
    """Takes the documents under their paths in the repository, with all that they link to."""
    from mkdocs.structure.files import File, InclusionLevel

    for file in [*files.documentation_pages(), *files.media_files()]:
        if file.generated_by is None and file.src_dir == config.docs_dir:
            files.remove(file)
    files.append(File.generated(config, SEARCH, abs_src_path=str(Path(__file__).with_name(Path(SEARCH).name))))
    documents = [FRONT, *(path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob("docs/**/*.md")))]
    for path in closure(documents):
        if _is_shown(path):
            files.append(File.generated(config, f"{path}.md", content=shown(path), inclusion=InclusionLevel.INCLUDED))
        else:
            files.append(File.generated(config, path, abs_src_path=str(ROOT / path)))


def on_page_markdown(markdown: str, *, page: "Page", config: "MkDocsConfig", files: "Files") -> str:
    """Fills in what is generated, and mends links to files that are shown as pages."""
    path = page.file.src_uri
    if path in reference.PAGES:
        markdown = reference.PAGES[path](markdown)
    return with_pages(markdown, path)


def _is_shown(path: str) -> bool:
    return not path.endswith((".md", *IMAGES))


def _target(page: str, link: str) -> str:
    return normpath(str(PurePosixPath(page).parent / link))
