"""Measures how a review feels, from 0 to 1."""

# What KAI Server's test runner does in place of the Python below:
#: as Verdict
#: set sentiment 0.5
#: when text has great: set sentiment 1.0
#: when text has broken: set sentiment 0.1
#: send

KIND = {"great", "good", "love", "perfect", "happy", "excellent"}
UNKIND = {"bad", "broken", "late", "never", "refund", "terrible"}


def init(ctx):
    ctx.logger.info("sentiment is ready")


async def handler(ctx, message):
    words = set(message["words"])
    kind, unkind = len(words & KIND), len(words & UNKIND)
    await ctx.send_output({"sentiment": 0.5 if kind == unkind else kind / (kind + unkind)})
