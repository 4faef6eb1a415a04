"""Search by words: BM25 over an in-memory tantivy index that takes single changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import tantivy

OFFICIAL_WEIGHT = 0.6  # an official word stands for an everyday one, so it counts for less than a word that was said
_HEAP = 15_000_000  # bytes; the least tantivy takes


class LexicalIndex:
    """Texts by number. Changes show after `commit`."""

    def __init__(self) -> None:
        builder = tantivy.SchemaBuilder()
        builder.add_unsigned_field("number", stored=True, indexed=True, fast=True)
        builder.add_text_field("words", tokenizer_name="whitespace", index_option="freq")
        self._schema = builder.build()
        self._index = tantivy.Index(self._schema)
        self._writer = self._index.writer(_HEAP, 1)

    def add(self, number: int, words: str) -> None:
        """Add a text; `words` are its search words with spaces between."""
        document = tantivy.Document()
        document.add_unsigned("number", number)
        document.add_text("words", words)
        self._writer.add_document(document)

    def remove(self, numbers: Iterable[int]) -> None:
        """Drop texts."""
        gone = list(numbers)
        if gone:
            # Not delete_documents_by_term: it takes the number for a signed one, finds none and says nothing.
            self._writer.delete_documents_by_query(tantivy.Query.term_set_query(self._schema, "number", gone))

    def commit(self) -> None:
        """Make the changes visible to `search`."""
        self._writer.commit()
        self._index.reload()

    def search(self, said: Sequence[str], meant: Sequence[str], limit: int) -> list[tuple[int, float]]:
        """The best texts as (number, BM25 score), best first: `said` words count whole, `meant` official words less."""
        clauses = [(tantivy.Occur.Should, self._term(word)) for word in dict.fromkeys(said)]
        clauses += [
            (tantivy.Occur.Should, tantivy.Query.boost_query(self._term(word), OFFICIAL_WEIGHT))
            for word in dict.fromkeys(meant)
        ]
        if not clauses:
            return []
        searcher = self._index.searcher()
        hits = searcher.search(tantivy.Query.boolean_query(clauses), limit).hits
        return [(searcher.doc(address)["number"][0], float(score)) for score, address in hits]

    def _term(self, word: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, "words", word, "freq")
