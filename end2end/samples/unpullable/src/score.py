async def handler(ctx, review):
    return {"score": 0.5}
