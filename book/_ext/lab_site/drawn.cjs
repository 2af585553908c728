// The half of a formula that eyes see, with few elements: KaTeX's tree, which is no public part of it, is thinned before
// it becomes HTML. Each sign stays where KaTeX puts it: tests/site/test_math.py holds every one of the book to that.
const SIZES = [0, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.44, 1.728, 2.074, 2.488]; // of KaTeX's size1, size2, …
const LINE = [0.9155, 0.2845], SLANTED = 0.3505; // height and depth of a line, and its depth with KaTeX_Math, in em

const KIND = /^(m(ord|op|open|close|rel|bin|punct|inner|tight)|mtable|text)$/; // what no rule of the style is for
const IN_LINE = new RegExp(`${KIND.source}|^(katex|katex-sizing|(reset-)?size\\d+|mainrm)$`);
const HOLDER = /^(mord|sqrt|mop|minner|mtight|mfrac|katex-accent|op-limits|msupsub|col-align-[clr])$/;
const SLANT = /^[A-Za-zα-ωϑϕϖϱϵ]+$/, LETTERS = /[A-Za-zα-ωϑϕϖϱϵ]/; // what the style slants by itself

const number = (length) => parseFloat(length || "0"), em = (value) => `${+value.toFixed(4)}em`;
const each = (classes, kind) => classes.every((name) => kind.test(name));
const bare = ({ style }) => style && !Object.keys(style).length;
const sign = (part) => part.text !== undefined && !part.children;
const is = (part, name) => part?.classes?.includes(name);
const light = (part) => sign(part) && bare(part) && each(part.classes, KIND); // text without an element
const plain = (part) => part.children && bare(part) && each(part.classes, KIND);

/** How large a part is beside what it stands in. */
function scale({ classes }) {
  const [before, after] = ["reset-size", "size"].map((word) => classes.find((name) => name.startsWith(word))?.slice(word.length));
  return before ? SIZES[after] / SIZES[before] : 1;
}

/** Room at a side of a part, besides what it has. */
function plus({ style, classes }, side, room) {
  if (style.margin) { // a line between columns
    style.marginLeft = style.marginRight = style.margin.split(" ")[1];
    delete style.margin;
  }
  const sum = number(style[side]) + room / scale({ classes });
  if (Math.abs(sum) > 0.0002) style[side] = em(sum);
  else delete style[side];
}

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
  if (children.length > 1 || !sign(only) || !bare(only) || scale(only) !== 1 || (is(part, "katex-sizing") && is(only, "delimsizing"))) return part;
  only.classes = [...new Set([...only.classes, ...part.classes])];
  only.style = part.style;
  if (only.italic && !bare(only)) only.italic = plus(only, "marginRight", only.italic * scale(only)) ?? 0;
  return only;
}

/** How far a line of a stack stands below the stack's own. */
const shift = ({ style }) => number(style.top) + number(style["--s"]);

/** What stands on a line of a stack is the line itself where it can be. */
function line(row, depth) {
  const [found, ...more] = row.children ?? [];
  if (!found?.style || more.length) return row;
  if (is(found, "frac-line") || is(found, "hide-tail")) {
    found.style.bottom = em(depth - shift(row));
    return found;
  }
  if (is(found, "accent-body") && !is(found, "accent-full") && sign(found)) {
    const { marginLeft, ...style } = row.style;
    found.beside = number(found.style.left) + number(marginLeft) / 2; // the middle of what it stands over
    found.style = { ...style, left: `calc(50% + ${em(found.beside)})` };
    return found;
  }
  if (!each(row.classes, /^svg-align$/) || !(sign(found) || each(found.classes, IN_LINE)) || !each(Object.keys(found.style), /^(margin|paddingLeft)/)) return row;
  const size = scale(found);
  for (const name in row.style) row.style[name] = em(number(row.style[name]) / size);
  for (const name in found.style) row.style[name] = em(number(row.style[name]) + number(found.style[name]));
  for (const side of ["marginLeft", "marginRight"]) if (!number(row.style[side])) delete row.style[side];
  found.style = row.style;
  found.classes.push(...row.classes);
  if (found.italic) behind(found, 0);
  return found;
}

/** KaTeX's table of one column, up to seven elements without its lines, as one box of a known height and depth. */
function stack(table) {
  const [{ children: [top] }, below] = table.children, [height, depth] = [top, below?.children[0]].map((part) => number(part?.style.height));
  [table.classes, table.children] = [["stack"], top.children.map((row) => line(row, depth))];
  if (height > 0) table.style.paddingTop = em(height);
  if (depth > 0) Object.assign(table.style, { paddingBottom: em(depth), verticalAlign: em(-depth) });
}

/** What holds a stack alone is that stack. */
function hold(part) {
  const [only] = part.children;
  if (part.children.length !== 1 || !is(only, "stack") || only.classes.length > 1 || !each(part.classes, HOLDER) || !bare(part)) return;
  [part.classes, part.style, part.children] = [[...part.classes, "stack"], only.style, only.children];
}

/** A lone sub- or superscript as one part that stands higher or lower. */
function lone(part) {
  if (!is(part, "msupsub") || !is(part, "stack")) return part;
  const [row, ...more] = part.children;
  if (more.length || !row.classes.length || /katex-vbox/.test(row.toMarkup())) return part; // a box needs its line
  const { top, "--s": strut, ...style } = row.style;
  row.style = { verticalAlign: em(-shift(row)), ...style };
  row.classes.push("lone");
  return row;
}

/** A letter and the accent above it as two signs of a line, the second of which takes no room; another part as it is. */
function accent(part) {
  const [body, above, ...more] = is(part, "katex-accent") && is(part, "stack") ? part.children : [];
  if (!body || more.length || above.beside === undefined || !sign(body) || !body.width || shift(body)) return [part];
  const wide = body.width + number(body.style.marginRight), before = wide / 2 + above.beside, raised = shift(above);
  above.classes = raised ? ["lone"] : [];
  above.style = { ...(raised && { verticalAlign: em(-raised) }), marginLeft: em(before - body.width), marginRight: em(wide - before - above.width) };
  [body.style, above.italic] = [{}, 0];
  return [body, above];
}

/** The room that a fraction without brackets has at both sides is its own. */
function fraction(part) {
  const [before, found, after] = part.children;
  if (!is(before, "nulldelimiter") || !is(after, "nulldelimiter") || !is(found, "mfrac")) return;
  found.style.marginLeft = found.style.marginRight = em(0.12 * scale(before));
  part.children = [found];
}

/** The width of a part that is nothing but room, or undefined. */
function room(part) {
  if (is(part, "arraycolsep")) return number(part.style.width);
  if (is(part, "mspace") && part.children?.length === 0 && Object.keys(part.style).join() === "marginRight") return number(part.style.marginRight);
  return undefined;
}

/** Room between parts becomes a margin, of one that is an element anyway if it can be, or else of a relation. */
function spaced(row) {
  const kept = [];
  let wide = 0;
  for (const part of row) {
    const before = kept.at(-1), more = room(part);
    wide += more ?? 0;
    if (more !== undefined) continue;
    if (wide && (!before || (light(before) && (!light(part) || is(part, "mrel") || is(part, "mbin"))))) plus(part, "marginLeft", wide);
    else if (wide) behind(before, wide);
    wide = 0;
    kept.push(part);
  }
  if (wide && kept.length) behind(kept.at(-1), wide);
  return wide && !kept.length ? row : kept;
}

/** Room behind a part; a slanted letter has some of its own. */
function behind(part, wide) {
  plus(part, "marginRight", wide + (part.italic || 0) * scale(part));
  if (part.italic) part.italic = 0;
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

module.exports = { bare, light, row, sign, thin };
