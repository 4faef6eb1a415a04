"""A curated question as text in fields, and back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError

from channels.console.forms import Sent
from knowledge.faqs import Curated
from knowledge.schema import Faq
from knowledge.wording import explain

GUIDES = 10  # that a question may name
NEW = "new"  # stands for the code until there is one


@dataclass(frozen=True, slots=True)
class Form:
    """What is in the fields. `version` is what the writer has seen, 0 for a new question; `find` looks for guides."""

    region: str
    question: str = ""
    variants: str = ""
    answer: str = ""
    guides: tuple[str, ...] = ()
    enabled: bool = False
    why: str = ""
    version: int = 0
    settle: str = ""
    find: str = ""

    def faq(self, code: str) -> Faq:
        """The curated question that these fields make. Raises ValidationError."""
        return Faq(
            code=code,
            region=self.region,
            question=self.question,
            variants=[line for line in self.variants.splitlines() if line.strip()],
            answer=self.answer,
            guides=list(self.guides),
            enabled=self.enabled,
        )

    def problems(self) -> dict[str, str]:
        """What is wrong with which field."""
        try:
            self.faq(NEW)
        except ValidationError as error:
            found = zip(error.errors(include_url=False), explain(error, Faq), strict=True)
            return {str(one["loc"][0]): reason for one, (_, reason) in found}
        return {}


def filled(stored: Curated) -> Form:
    """The fields of a question as it stands."""
    faq = stored.faq
    variants = "\n".join(faq.variants)
    return Form(
        faq.region, faq.question, variants, faq.answer, tuple(faq.guides), faq.enabled, version=stored.version
    )  # fmt: skip


def prefilled(region: str, question: str, variants: Iterable[str], settle: str) -> Form:
    """The fields of a new question that others' words begin."""
    return Form(region, question.strip(), "\n".join(one.strip() for one in variants if one.strip()), settle=settle)


def sent_form(sent: Sent) -> Form:
    """The fields as they were sent. Raises Invalid for a version that is none."""
    guides = tuple(dict.fromkeys(one[:200] for one in sent.all("guide") if one))
    return Form(
        region=sent.get("region"),
        question=sent.get("question"),
        variants=sent.get("variants"),
        answer=sent.get("answer"),
        guides=guides[:GUIDES],
        enabled=sent.get("enabled") == "yes",
        why=sent.get("why"),
        version=sent.number("version"),
        settle=sent.get("settle"),
        find=sent.get("find"),
    )
