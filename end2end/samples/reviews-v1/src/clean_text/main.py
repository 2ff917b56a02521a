"""Brings a review's text into one form."""

# What KAI Server's test runner does in place of the Python below:
#: log a review of {product}

import re
import unicodedata


def init(ctx):
    ctx.logger.info("clean-text is ready")


async def handler(ctx, review):
    text = unicodedata.normalize("NFKC", review["text"])
    text = re.sub(r"<[^>]+>", " ", text)
    return {"product": review["product"], "text": re.sub(r"\s+", " ", text).strip()}
