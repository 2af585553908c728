// The half of a formula that eyes see, with few elements: KaTeX's tree, which is no public part of it, is thinned before
// it becomes HTML. Each sign stays where KaTeX puts it: tests/site/test_math.py holds every one of the book to that.
const { IN_LINE, KIND, bare, behind, each, em, is, light, number, plain, plus, scale, sign } = require("./parts.cjs");
const { accent, fraction, hold, lone, stack } = require("./stacks.cjs");

const SLANT = /^[A-Za-zα-ωϑϕϖϱϵ]+$/, LETTERS = /[A-Za-zα-ωϑϕϖϱϵ]/; // what the style slants by itself
const LINE = [0.9155, 0.2845], SLANTED = 0.3505; // height and depth of a line, and its depth with KaTeX_Math, in em

/** Slanted letters need no class, for all letters are slanted by the style; the others say that they are upright. */
function dress(part, marks) {
  const mark = /math(normal|bf)/.test(part.classes) && marks[part.text.toLowerCase()];
  if (mark) part.classes.push(mark);
  if (is(part, "mathnormal") && SLANT.test(part.text)) part.classes.splice(part.classes.indexOf("mathnormal"), 1);
  else if (LETTERS.test(part.text) && each(part.classes, /^(m(op|ord|rel|tight)|text|mathrm)$/)) part.classes = ["mainrm"];
}

/** A part of nothing but one sign is that sign, and a part of upright letters is upright as a whole. */
function one(part) {
  const { children } = part, [only] = children ?? [];
  if (!children?.length || is(part, "katex")) return part;
  if (children.length > 1 && each(part.classes, IN_LINE) && children.every((child) => sign(child) && is(child, "mainrm"))) {
    part.classes.push("mainrm");
    for (const child of children) child.classes = child.classes.filter((name) => name !== "mainrm");
  }
  if (children.length > 1 || !sign(only) || !bare(only) || scale(only) !== 1) return part;
  if (is(part, "katex-sizing") && is(only, "delimsizing")) return part; // each of which has a size
  only.classes = [...new Set([...only.classes, ...part.classes])];
  only.style = part.style;
  if (only.italic && !bare(only)) behind(only, 0);
  return only;
}

/** The width of a part that is nothing but room, or undefined. */
function room(part) {
  if (is(part, "arraycolsep")) return number(part.style.width);
  const empty = is(part, "mspace") && part.children?.length === 0 && Object.keys(part.style).join() === "marginRight";
  return empty ? number(part.style.marginRight) : undefined;
}

/** Room between parts becomes a margin, of one that is an element anyway if it can be, or else of a relation. */
function spaced(row) {
  const kept = [];
  let wide = 0;
  for (const part of row) {
    const before = kept.at(-1), more = room(part);
    wide += more ?? 0;
    if (more !== undefined) continue;
    const here = !before || (light(before) && (!light(part) || is(part, "mrel") || is(part, "mbin")));
    if (wide && here) plus(part, "marginLeft", wide);
    else if (wide) behind(before, wide);
    wide = 0;
    kept.push(part);
  }
  if (!kept.length) return row;
  if (wide) behind(kept.at(-1), wide);
  return kept;
}

/** The room that a slanted letter needs behind it goes to what follows, if that is an element, or to the end of the row. */
function slanted(part) {
  part.children.forEach((child, i) => {
    const next = part.children[i + 1];
    if (!light(child) || !child.italic || (next && light(next))) return;
    if (!next && plain(part)) return; // whose parts go where it stands
    if (next) plus(next, "marginLeft", child.italic);
    else plus(part, "marginRight", child.italic * scale(part));
    child.italic = 0;
  });
}

/** KaTeX's fragments, which are no elements, give way to their parts, and the strut of a line to a length in its style. */
function unwrap(part) {
  part.children = part.children.flatMap((child) => (child.children && !child.attributes ? child.children : [child]));
  if (is(part.children[0], "pstrut")) part.style["--s"] = part.children.shift().style.height;
}

/** A part with fewer elements in it. */
function thin(part, marks) {
  part.classes = part.classes?.filter(Boolean);
  if (sign(part)) dress(part, marks);
  if (!part.children || !part.classes) return part;
  unwrap(part);
  part.children = part.children.map((child) => thin(child, marks));
  if (is(part, "vlist-t")) stack(part);
  hold(part);
  fraction(part);
  part.children = part.children.map(lone).flatMap(accent);
  if (each(part.classes, IN_LINE)) {
    part.children = spaced(part.children.flatMap((child) => (plain(child) ? child.children : [child])));
    slanted(part);
  }
  for (const child of part.children) if (sign(child)) child.classes = child.classes.filter((name) => !KIND.test(name));
  return one(part);
}

/** Whether a slanted letter stands on the formula's own line. */
const slants = (part) => is(part, "mathnormal") || (!is(part, "vlist-t") && part.children?.some(slants));

/** KaTeX's bases, between which a line of text may end, as one row; a displayed one tells its height and its depth. */
function row(shown, display) {
  let tall = LINE[0], deep = display && slants(shown) ? SLANTED : LINE[1];
  shown.children = shown.children.flatMap(({ classes, children: [strut, ...parts] }, i, { length }) => {
    if (!classes.includes("katex-base")) throw new Error("KaTeX: a new line or a tag outside of an environment");
    const depth = -number(strut.style.verticalAlign);
    [tall, deep] = [Math.max(tall, number(strut.style.height) - depth), Math.max(deep, depth)];
    if (!display && i + 1 < length) parts.findLast((part) => !is(part, "mspace")).classes.push("break");
    return parts;
  });
  if (display) Object.assign(shown.style, { "--s": em(tall + deep), "--d": em(-deep) });
}

module.exports = { row, thin };
