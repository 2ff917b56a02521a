"""Brings a review's text into one form and passes it to both branches."""

# What KAI Server's test runner does in place of the Python below:
#: send
#: send english

import re

ENGLISH = {"the", "and", "is", "was", "it", "not", "very"}


def init(ctx):
    ctx.logger.info("etl is ready")


async def handler(ctx, review):
    text = re.sub(r"\s+", " ", review["text"]).strip().lower()
    message = {"product": review["product"], "words": re.findall(r"\w+", text)}
    await ctx.send_output(message)
    if ENGLISH & set(message["words"]):
        await ctx.send_output(message, "english")
