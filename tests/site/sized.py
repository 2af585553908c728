"""A page in another width, once all that the new width sets off is done."""

# Observers of sizes run before the next picture of the page, and what they change is drawn with the one after it.
SETTLE = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def resized(page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate(SETTLE)
