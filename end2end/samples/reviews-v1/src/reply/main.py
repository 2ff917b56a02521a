"""Drafts an answer to a review."""

# What KAI Server's test runner does in place of the Python below:
#: as Draft
#: set text "Thank you for writing about {product}.\n\n{$REPLY_SIGNATURE}"

import os


def init(ctx):
    ctx.set("signature", os.environ["REPLY_SIGNATURE"])


async def handler(ctx, review):
    return {"text": f"Thank you for writing about {review['product']}.\n\n{ctx.get('signature')}"}
