"""Drafts an answer to a review."""

import os


def init(ctx):
    ctx.set("signature", os.environ["REPLY_SIGNATURE"])


async def handler(ctx, review):
    return {"text": f"Thank you for writing about {review['product']}.\n\n{ctx.get('signature')}"}
