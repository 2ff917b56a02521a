async def handler(ctx, review):
    return review
