"""What a hand does with a mouse, for the tests that use an explorable as a reader does."""


def middle(part):
    """The middle of what a locator finds, (x, y) on the page in px."""
    box = part.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page, begin, end, *, steps=1):
    """Press at ``begin``, (x, y) on the page in px, move to ``end`` in so many steps, and let go."""
    page.mouse.move(*begin)
    page.mouse.down()
    page.mouse.move(*end, steps=steps)
    page.mouse.up()
