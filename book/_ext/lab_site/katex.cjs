// One formula a line in, one answer a line out; nothing else is ever written to stdout. The tree of KaTeX's elements,
// which is no public part of it, is thinned before it becomes HTML; tests/site/test_math.py holds the result to KaTeX's.
const katex = require(process.argv[2]);
const SIZES = [0, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.44, 1.728, 2.074, 2.488]; // of KaTeX's size1, size2, …

const number = (length) => parseFloat(length || "0"), em = (value) => `${+value.toFixed(4)}em`;

/** How large a part is beside what it stands in. */
function scale({ classes }) {
  const [before, after] = ["reset-size", "size"].map((word) => classes.find((name) => name.startsWith(word))?.slice(word.length));
  return before ? SIZES[after] / SIZES[before] : 1;
}

/** Room behind a part, besides what it has; a slanted letter has some of its own. */
const plus = (part, margin) => { part.style.marginRight = em(number(part.style.marginRight ?? part.italic) + margin / scale(part)); };

const SIGN = /^m(ord|open|close|rel|bin|punct|inner|tight)$/, PLAIN = /^(mord|mtight|text)$/;
const IN_LINE = /^(katex-base|katex-sizing|(reset-)?size\d+|mord|mop|mrel|mbin|minner|mtight|text)$/;
const HOLDER = /^(mord|sqrt|mop|minner|mtight|mfrac|katex-accent|op-limits|msupsub|col-align-[clr])$/;
const each = (classes, kind) => classes?.length > 0 && classes.every((name) => kind.test(name));
const bare = ({ style }) => !Object.keys(style).length;
const sign = (part) => part.text !== undefined && !part.children;
const is = (part, name) => part?.classes?.[0] === name;
const plain = (part) => part.children && each(part.classes, PLAIN) && bare(part);
const space = (part) => is(part, "mspace") && !part.children?.length && Object.keys(part.style).join() === "marginRight";

/** A line of a stack: its strut is a length in its style, and what stands on it is the line itself where it can be. */
function line(row) {
  const [{ style: { height } }, found] = row.children;
  row.style["--s"] = height;
  row.children = [found];
  if (row.classes.length || !bare(found) || !(sign(found) || each(found.classes, IN_LINE))) return;
  const size = scale(found), [only] = found.children ?? [found];
  for (const name in row.style) row.style[name] = em(number(row.style[name]) / size);
  if (!number(row.style.marginLeft)) delete row.style.marginLeft;
  [row.classes, row.children] = [found.classes, found.children ?? [found]];
  if (row.children.length !== 1 || !sign(only) || !bare(only)) return;
  row.classes = [...new Set([...only.classes, ...found.classes])];
  if (only.italic) row.style.marginRight = em(number(row.style.marginRight) + only.italic);
  [only.classes, only.italic] = [[], 0];
}

/** KaTeX's table of one column, up to seven elements without its lines, as one box of a known height and depth. */
function stack(table) {
  const [{ children: [top] }, below] = table.children, [height, depth] = [top, below?.children[0]].map((part) => number(part?.style.height));
  top.children.forEach(line);
  [table.classes, table.children] = [["stack"], top.children];
  if (height > 0) table.style.paddingTop = em(height);
  if (depth > 0) Object.assign(table.style, { paddingBottom: em(depth), verticalAlign: em(-depth) });
}

/** What holds a stack alone is that stack. */
function hold(part) {
  const [only] = part.children;
  if (part.children.length !== 1 || !is(only, "stack") || !each(part.classes, HOLDER) || !bare(part)) return;
  [part.classes, part.style, part.children] = [[...part.classes, "stack"], only.style, only.children];
}

/** A lone sub- or superscript as one part that stands higher or lower, or null. */
function lone({ children: [row, ...more] }) {
  if (more.length || !row.classes.length || /katex-vbox/.test(row.toMarkup())) return null; // a box needs its line
  const { top, "--s": strut, ...style } = row.style;
  row.style = { verticalAlign: em(-(number(top) + number(strut))), ...style };
  row.classes.push("lone");
  return row;
}

/** The room that a fraction without brackets has at both sides is its own. */
function fraction(part) {
  const [before, found, after] = part.children;
  if (!before?.classes?.includes("nulldelimiter") || !after?.classes?.includes("nulldelimiter") || !is(found, "mfrac")) return;
  found.style.marginLeft = found.style.marginRight = em(0.12 * scale(before));
  part.children = [found];
}

/** Take more than half of the elements of a formula's drawn half away; each letter stays where it was. */
function thin(part) {
  part.classes = part.classes?.filter(Boolean);
  if (!part.children) return;
  part.children.forEach(thin);
  if (is(part.children[0], "katex-strut")) {
    const { height, verticalAlign } = part.children.shift().style;
    Object.assign(part.style, { "--h": height, ...(verticalAlign && { "--d": verticalAlign }) });
  }
  if (is(part, "vlist-t")) stack(part);
  hold(part);
  fraction(part);
  part.children = part.children.map((child) => (is(child, "msupsub") && child.classes.includes("stack") && lone(child)) || child);
  if (each(part.classes, IN_LINE)) {
    part.children = part.children.flatMap((child) => (plain(child) ? child.children : [child]));
    part.children = part.children.filter((child, i, row) => {
      const before = row[i - 1];
      if (!space(child) || !/^m/.test(before?.classes[0] ?? "") || space(before)) return true;
      plus(before, number(child.style.marginRight));
      return false;
    });
  }
  for (const child of part.children) if (sign(child) && each(child.classes, SIGN) && bare(child) && !child.italic) child.classes = [];
}

const ROW = /^(math|mrow|mstyle|mtd|msqrt)$/, GROUP = /^(mrow|mstyle)$/;
const silent = (part) => part.width !== undefined || part.type === "mspace" || (part.type === "mtext" && !part.toText().trim());

/** What a screen reader says stays; spaces and groups of the layout go. */
function say(part) {
  if (!part.children) return;
  part.children.forEach(say);
  const row = ROW.test(part.type);
  part.children = part.children.filter((child) => !row || !silent(child))
    .flatMap((child) => (GROUP.test(child.type) && (row || child.children.length === 1) ? child.children : [child]));
}

/** What follows a formula without a gap, a comma say, in its last part: behind it a browser would begin a new line. */
function tie([spoken, shown], tail) {
  const { SymbolNode } = katex.__domTree;
  spoken.children.push(new SymbolNode(tail));
  shown.children.at(-1).children.push(new SymbolNode(tail, 0, 0, 0, 0, 0, ["after"]));
}

/** The one letter or number that an inline formula is, or undefined. */
function letter({ children: [base, ...more] }) {
  const [only, ...others] = base?.children ?? [];
  return only && sign(only) && bare(only) && !more.length && !others.length ? only : undefined;
}

/** The formula for eyes and, without its source, for screen readers; a lone letter serves both as it is. */
function drawn(tex, display, tail) {
  const tree = katex.__renderToDomTree(tex, { displayMode: display, strict: "error" });
  const whole = display ? tree.children[0] : tree, [spoken, shown] = whole.children, [math] = spoken.children;
  math.children = math.children[0].children[0].children;
  say(math);
  thin(shown);
  const only = display ? undefined : letter(shown);
  if (only) {
    if (only.classes.join(" ") === "mord mathnormal") {
      whole.classes.push("mathnormal");
      Object.assign(only, { classes: [], italic: 0 });
    }
    whole.children = [only];
    return whole.toMarkup() + tail;
  }
  if (tail) tie(whole.children, tail);
  else {
    math.setAttribute("class", "katex-mathml");
    whole.children[0] = math;
  }
  const [base, ...more] = shown.children;
  if (!display && !more.length) [shown.classes, shown.style, shown.children] = [[...shown.classes, ...base.classes], base.style, base.children];
  return tree.toMarkup();
}

require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { tex, display, tail } = JSON.parse(line);
  let answer;
  try { answer = { html: drawn(tex, display, tail) }; }
  catch (error) { answer = { error: error.message }; }
  console.log(JSON.stringify(answer));
});
