"""What `twin check` finds and what the server tells a page, said in English or Chinese.

Loaders and checkers write English, as JSON keeps it; here stand the Chinese sentences, one module a family, and for
each rule what it means and what to do in both languages. A sentence with gaps (``{}``) is told from the text itself.
"""

from __future__ import annotations

from twin.view.sentences.telling import (
    RULES,
    SENTENCES,
    Told,
    error_in,
    in_both_languages,
    language_of,
    meaning,
    said_in,
    tell,
    text_in,
)

__all__ = [
    "RULES",
    "SENTENCES",
    "Told",
    "error_in",
    "in_both_languages",
    "language_of",
    "meaning",
    "said_in",
    "tell",
    "text_in",
]
