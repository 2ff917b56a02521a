"""Counts kind and unkind words."""

# What KAI Server's test runner does in place of the Python below:
#: as Rating
#: set score 0.5
#: when text has great: set score 1.0
#: when text has broken: set score 0.0

KIND = {"great", "good", "love", "perfect", "happy", "excellent"}
UNKIND = {"bad", "broken", "late", "never", "refund", "terrible"}


def init(ctx):
    ctx.logger.info("score is ready")


async def handler(ctx, review):
    words = {word.strip(".,!?").lower() for word in review["text"].split()}
    kind, unkind = len(words & KIND), len(words & UNKIND)
    return {"score": 0.5 if kind == unkind else kind / (kind + unkind)}
