"""Every chapter, wide and narrow: type of 11 px in figures, no hole beside panels, no formula cut, no comma alone."""

from sized import resized

LAYOUT = """() => {
  const seen = (e) => e.checkVisibility() && e.getBoundingClientRect().width > 1;
  const all = (choice) => [...document.querySelectorAll(choice)].filter(seen);
  const rows = (box) => Object.values(Object.groupBy([...box.children].filter(seen),
    (panel) => Math.round(panel.getBoundingClientRect().top))).map((row) => row.length);
  const broken = (counts) => counts.length > 1 && new Set(counts).size > 1 && counts.join() !== "3,2";
  const beyond = (e) => e.scrollWidth > e.clientWidth + 1;
  const size = (e) => parseFloat(getComputedStyle(e).fontSize) * Math.hypot(e.getScreenCTM().a, e.getScreenCTM().b);
  const left = (sign) => { const one = document.createRange(); one.setStart(sign, 0); one.setEnd(sign, 1);
    return one.getBoundingClientRect().left; };
  const end = (node) => { const one = document.createRange(); one.selectNode(node);
    return [...one.getClientRects()].at(-1).right; };
  const alone = (formula) => {
    const next = formula.nextSibling;
    return /^[,.;:!?)\\]]/.test(next?.data ?? "") && left(next) < end(formula) - 2;
  };
  return {
    alone: all("article .katex").filter(alone).map((e) => e.parentElement.textContent.slice(0, 80)),
    small: all(".lab-fig svg text").filter((e) => size(e) < 10.9).map((e) => e.textContent),
    holes: all(".lab-fig > div").map(rows).filter(broken),
    uncued: all(".math-scroll").filter((e) => beyond(e) && getComputedStyle(e).maskImage === "none")
      .map((e) => e.textContent),
    stops: all("article :is(.math-scroll, .table-scroll, pre)").filter((e) => e.tabIndex >= 0 && !beyond(e))
      .map((e) => e.className),
    wider: beyond(document.documentElement) ? ["the page"] : [],
  };
}"""


def test_chapters_are_laid_out_for_their_width(chromium, built_site):
    page, faults = chromium.new_page(), []
    for path in sorted((built_site / "book").glob("[0-9][0-9]-*.html")):
        page.goto(path.as_uri())
        for width in (1280, 768, 390):
            resized(page, width)
            faults += [(path.stem, width, kind, found) for kind, found in page.evaluate(LAYOUT).items() if found]
    page.close()
    assert faults == []


def test_an_explorable_takes_the_margin_too_where_there_is_one(chromium, built_site):
    page, found = chromium.new_page(viewport={"width": 1440, "height": 900}), {}
    for path in sorted((built_site / "book").glob("[0-9][0-9]-*.html")):
        page.goto(path.as_uri())
        found |= page.evaluate("""name => Object.fromEntries([...document.querySelectorAll(".cell [data-lab]")].map(
          (e, i) => [`${name} ${i} ${e.dataset.lab}`, Math.round(e.getBoundingClientRect().width)]))""", path.stem)
    page.close()
    questions = {name for name in found if name.endswith((" choice", " curve"))}
    assert {found[name] for name in questions} == {600} and {found[name] for name in found.keys() - questions} == {868}
