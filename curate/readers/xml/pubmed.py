"""A citation of PubMed (the baseline and update files of NLM, answers of E-utilities): title and abstract."""

from __future__ import annotations

from typing import Any

from .words import inline, local, tidy


def citation(element: Any) -> tuple[str, dict[str, Any]] | str | None:
    """(text, metadata) of a `<PubmedArticle>`; a sentence where it has no abstract; None without a citation."""
    found = element.find("{*}MedlineCitation")
    article = None if found is None else found.find("{*}Article")
    if found is None or article is None:
        return None
    fields = _ids(found, element.findall("{*}PubmedData/{*}ArticleIdList/{*}ArticleId"))
    for name, path in (("journal", "{*}Journal/{*}Title"), ("language", "{*}Language")):
        if value := _words(article.find(path)):
            fields[name] = value
    date = article.find("{*}ArticleDate")
    if written := _date(article.find("{*}Journal/{*}JournalIssue/{*}PubDate") if date is None else date):
        fields["date"] = written
    return _text(article, "ArticleTitle", fields)


def book(element: Any) -> tuple[str, dict[str, Any]] | str | None:
    """The same of a `<PubmedBookArticle>`, a chapter of a book."""
    found = element.find("{*}BookDocument")
    if found is None:
        return None
    fields = _ids(found, found.findall("{*}ArticleIdList/{*}ArticleId"))
    if title := _words(found.find("{*}Book/{*}BookTitle")):
        fields["book"] = title
    return _text(found, "ArticleTitle", fields)


def _ids(holder: Any, others: list[Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if pmid := _words(holder.find("{*}PMID")):
        fields["pmid"] = pmid
    kinds = {"doi": "doi", "pmc": "pmcid"}
    for other in others:
        name = kinds.get(other.get("IdType", ""))
        if name and (value := _words(other)):
            fields.setdefault(name, value)
    return fields


def _text(holder: Any, title_name: str, fields: dict[str, Any]) -> tuple[str, dict[str, Any]] | str:
    # NLM puts a title that it translated in square brackets.
    title = _words(holder.find(f"{{*}}{title_name}")).removeprefix("[").removesuffix("].").removesuffix("]")
    blocks = []
    for part in holder.findall("{*}Abstract/{*}AbstractText"):
        words = _words(part)
        label = tidy(part.get("Label", ""))
        if words:
            blocks.append(f"## {label.capitalize()}\n\n{words}" if label and label.upper() != "UNLABELLED" else words)
    if not blocks:
        return f"no abstract: {title or fields.get('pmid', 'a citation')} is a title alone"
    if title:
        fields["title"] = title
        blocks.insert(0, f"# {title}")
    return "\n\n".join(blocks), fields


def _words(element: Any) -> str:
    return "" if element is None else tidy(inline(element))


def _date(element: Any) -> str:
    """`2011-08-02`, as far as it is given; a season or a span of months as it stands (`2011 Jul-Aug`)."""
    if element is None:
        return ""
    parts = {local(child): (child.text or "").strip() for child in element}
    if "MedlineDate" in parts:
        return parts["MedlineDate"]
    names = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
    month = parts.get("Month", "").lower()[:3]
    number = month if month.isdigit() else f"{names.index(month) + 1}" if month in names else ""
    found = parts.get("Year", "")
    if found and number:
        found += f"-{int(number):02}"
        if parts.get("Day", "").isdigit():
            found += f"-{int(parts['Day']):02}"
    return found
