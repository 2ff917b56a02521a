"""Puts sentiment and topics together and decides whether a person has to look."""

# What KAI Server's test runner does in place of the Python below:
#: forward
#: gather sentiment topics
#: when sentiment is 0.1: set needs_person true
#: send

import os


def init(ctx):
    ctx.set("alert_below", float(os.environ["ALERT_BELOW"]))


async def handler(ctx, part):
    verdict = {**ctx.get_request_state(), **part}
    ctx.set_request_state(verdict)
    if {"sentiment", "topics"} <= verdict.keys():
        await ctx.send_output({**verdict, "needs_person": verdict["sentiment"] < ctx.get("alert_below")})
