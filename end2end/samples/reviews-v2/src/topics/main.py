"""Finds what a review is about."""

# What KAI Server's test runner does in place of the Python below:
#: as Verdict
#: when text has late: append topics "delivery"
#: send

import json
import pathlib


def init(ctx):
    words_by_topic = json.loads(pathlib.Path("/krt-config/topics.json").read_text())
    ctx.set("topics", {topic: set(words) for topic, words in words_by_topic.items()})


async def handler(ctx, message):
    words = set(message["words"])
    found = sorted(topic for topic, signs in ctx.get("topics").items() if signs & words)
    await ctx.send_output({"topics": found})
