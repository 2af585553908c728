"""The formulas of the book are drawn with fewer elements than KaTeX makes, and every letter stands where it puts it."""

import re

import pytest
from chapter import ROOT, Chapter

from lab_site import math

DIST = math.MODULES / "katex" / "dist"
RULES = (ROOT / "book/_ext/lab_site/style/formulas.css").read_text("utf-8")
CODE = re.compile(r"^(`{3,})\w*\n.*?^\1\s*$|`[^`\n]+`", re.M | re.S)  # a directive's first line has a brace
KINDS = [r"x_i + a^2", r"W_{\text{OV}}^\top q_i", r"\sum_{i=1}^n e^{s_i}", r"\frac{e^{s_1}}{\sqrt{d_\text{head}}}",
         r"f'(x)^2", r"\hat x_j = \bar{x}_{ij}^{(2)}", r"a_{b_{c_d}}", r"2^{2^n} - 1", r"\partial s_{ij}\,\partial V_U",
         r"e^{-\frac12 x_i^2}", r"\begin{pmatrix} \cos\alpha_1 & 0 \\ 0 & 1 \end{pmatrix}^{\!\top}",
         r"\operatorname{softmax}(\ell)_v", r"\max_{\tau} w_i"]
LETTERS = """(box) => {
  const drawn = box.querySelector(".katex-html") ?? box.querySelector(".katex");
  const { left, top, height } = box.getBoundingClientRect(), letters = [], range = document.createRange();
  const pen = document.createElement("canvas").getContext("2d");
  const walker = document.createTreeWalker(drawn, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    pen.font = getComputedStyle(node.parentElement).font;
    const under = pen.measureText("x").fontBoundingBoxDescent;
    for (let i = 0; i < node.length; i += 1) {
      range.setStart(node, i);
      range.setEnd(node, i + 1);
      const at = range.getBoundingClientRect();
      if (node.data[i] === "\\u200b") continue;
      letters.push([node.data[i], at.left - left, at.right - left, at.bottom - top - under]);
    }
  }
  const lines = [...drawn.querySelectorAll("svg, .frac-line")].map((line) => {
    const at = line.getBoundingClientRect();
    return [line.nodeName, at.left - left, at.top - top, at.right - left, at.bottom - top];
  });
  return [[...letters, ...lines], height, box.querySelectorAll("*").length];
}"""

BOTH = f"""([tex, displayMode, html]) => {{
  const letters = {LETTERS};
  katex.render(tex, theirs, {{ displayMode }});
  theirs.normalize();
  ours.innerHTML = html;
  return [letters(ours), letters(theirs)];
}}"""

INLINE = [r"\frac12 x = \hat y_1", r"a + b^2 - \sqrt{c}", r"\sqrt{\frac12}", "n", r"e^{-\bar x}",
          r"\log p \ge -\mathbb{E}\, W_{OV}^\top"]
PARTED = """(box) => {
  const place = (node, at) => {
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + 1);
    return range.getBoundingClientRect();
  };
  const formula = box.querySelector("b"), [before, after] = [formula.previousSibling, formula.nextSibling];
  const lines = (element) => [...element.getClientRects()].filter(({ width }) => width > 1);
  const parted = [], most = [];
  for (let width = 300; width > 5; width -= 5) {
    box.style.width = `${width}px`;
    const drawn = lines(formula.firstElementChild.nextElementSibling ?? formula.firstElementChild);
    const [opened, closed] = [place(before, before.length - 1).right, place(after, 0).left];
    if (opened > drawn[0].left + 1 || closed < drawn.at(-1).right - 1) parted.push(width);
    most.push(drawn.length);
  }
  return [parted, Math.max(...most)];
}"""


def formulas() -> list[tuple[str, bool]]:
    """All formulas of the chapters' prose, and kinds that it may have one day: (TeX, whether displayed)."""
    found = {}
    for path in sorted((ROOT / "book").glob("[0-9]*.ipynb")):
        chapter = Chapter.read(path)
        found |= dict.fromkeys((entry.body, True) for entry in chapter.directive("math"))
        for cell in chapter.prose:
            text = CODE.sub("", cell.source)
            found |= dict.fromkeys((tex, True) for tex in re.findall(r"\$\$(.+?)\$\$", text, re.S))
            text = re.sub(r"\$\$.+?\$\$", "", text, flags=re.S)
            found |= dict.fromkeys((tex, False) for tex in re.findall(r"(?<![\\$])\$([^$\n]+)\$", text))
    return [*found, *((tex, True) for tex in KINDS)]


def page_with_rules(chromium, body: str):
    """A page with KaTeX's style sheet and ours."""
    page = chromium.new_page()
    page.goto(DIST.as_uri())  # what stands there may load files
    style = f"{(DIST / 'katex.min.css').read_text('utf-8')} {RULES}".replace("fonts/", (DIST / "fonts").as_uri() + "/")
    theirs = ".katex { font-family: KaTeX_Main; &::before, &::after { content: none; } }"
    style += f"p {{ width: 3000px; font: 16px/1.6 serif; }} #theirs {theirs}"
    page.set_content(f"<!doctype html><style>{style}</style>{body}")
    return page


@pytest.mark.browser
def test_a_line_ends_behind_a_relation_and_never_between_a_formula_and_the_sign_beside_it(chromium):
    page = page_with_rules(chromium, "".join(f"<p>a (<b>{math.render(tex)}</b>), a</p>" for tex in INLINE))
    page.evaluate("document.fonts.ready")
    for tex, box in zip(INLINE, page.query_selector_all("p"), strict=True):
        parted, lines = box.evaluate(PARTED)
        assert parted == [], tex
        assert lines == 1 + math.render(tex).count('class="break"'), tex
    page.close()


@pytest.mark.browser
def test_every_letter_of_every_formula_stands_where_katex_puts_it(chromium):
    page = page_with_rules(chromium, "<p id='ours'></p><p id='theirs'></p>")
    page.add_script_tag(content=(DIST / "katex.min.js").read_text("utf-8"))
    asked, fewer = formulas(), [0, 0]
    assert len(asked) > 1000
    page.evaluate("tex => katex.render(tex, theirs)", "".join(KINDS))  # so that the fonts are there
    page.evaluate("html => { ours.innerHTML = html; }", math.render("x"))
    page.evaluate("document.fonts.ready")
    for tex, display in asked:
        ours, theirs = page.evaluate(BOTH, [tex, display, math.render(tex, display)])
        assert [letter for letter, *_ in ours[0]] == [letter for letter, *_ in theirs[0]], tex
        gap = max(abs(a - b) for one, other in zip(ours[0], theirs[0], strict=True)
                  for a, b in zip(one[1:], other[1:], strict=True))
        assert gap < 0.3 and abs(ours[1] - theirs[1]) < 0.3, (tex, gap)
        fewer = [total + found[2] for total, found in zip(fewer, (ours, theirs), strict=True)]
    assert fewer[0] < 0.32 * fewer[1], fewer
    page.close()
