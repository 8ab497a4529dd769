"""The links between the pages of the documentation."""

import re


def anchors(text):
    """The anchors of a page's headings."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.+)", text, re.MULTILINE)}


def broken(directory):
    """The links of the pages below this directory that lead nowhere, as
    (page, link), and how many links there are."""
    pages = sorted([*directory.glob("*.md"), *(directory / "docs").rglob("*.md")])
    links = [(page, link) for page in pages
             for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text())
             if not re.match(r"https?://", link)]
    lost = []
    for page, link in links:
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (
                anchor and anchor not in anchors(target.read_text())):
            lost.append((str(page.relative_to(directory)), link))
    return lost, len(links)
