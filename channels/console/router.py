"""All pages of the console together."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from channels.console import (
    accounts,
    audit,
    conversations,
    desk,
    drafts,
    faqs,
    guides,
    import_pages,
    imports,
    oidc,
    overview,
    questions,
    reviews,
    signing,
)
from channels.console.forms import readable

router = APIRouter(include_in_schema=False, dependencies=[Depends(readable)])
router.include_router(signing.router)
router.include_router(oidc.router)
router.include_router(desk.router)
router.include_router(faqs.router)
router.include_router(accounts.router)
router.include_router(audit.router)
router.include_router(overview.router)
router.include_router(questions.router)
router.include_router(conversations.router)
router.include_router(guides.router)
router.include_router(drafts.router)
router.include_router(reviews.router)
router.include_router(imports.router)
router.include_router(import_pages.router)
