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

/**
 * A lone sub- or superscript as one part that stands higher or lower, or null. KaTeX sets it as a table within a table,
 * twelve elements; there it is `top` and the height of a strut that say where.
 */
function lone(script) {
  const rows = script.children[0].children[0].children[0].children;
  if (rows.length !== 1 || rows[0].children.length !== 2 || /katex-vbox/.test(script.toMarkup())) return null; // a box needs its line
  const [{ style }, [strut, found]] = [rows[0], rows[0].children], [only] = found.children ?? [];
  const single = found.children?.length === 1 && only.text !== undefined && only.children === undefined && !Object.keys(found.style).length;
  const part = single ? only : found;
  if (single) part.classes = [...part.classes, ...found.classes.filter((name) => !part.classes.includes(name))];
  const size = scale(part);
  part.classes.push("lone");
  part.style.verticalAlign = em(-(number(style.top) + number(strut.style.height)) / size);
  if (number(style.marginLeft)) part.style.marginLeft = em(number(style.marginLeft) / size);
  if (number(style.marginRight)) plus(part, number(style.marginRight));
  return part;
}

const PLAIN = /^(mord|mtight)$/, IN_LINE = /^(katex-base|katex-sizing|(reset-)?size\d+|mord|mop|mrel|mbin|minner|mtight)$/;
const plain = ({ classes, style, children }) => children && classes?.length && classes.every((name) => PLAIN.test(name)) && !Object.keys(style).length;
const space = ({ classes, style, children }) => children?.length === 0 && classes?.[0] === "mspace" && Object.keys(style).join() === "marginRight";

/** Take a third of the elements of a formula's drawn half away; each letter stays where it was. */
function thin(part) {
  if (!part.children) return;
  part.children.forEach(thin);
  part.children = part.children.map((child) => (child.classes?.[0] === "msupsub" && lone(child)) || child);
  if (!part.classes?.length || !part.classes.every((name) => IN_LINE.test(name))) return;
  part.children = part.children.flatMap((child) => (plain(child) ? child.children : [child]));
  part.children = part.children.filter((child, i, all) => {
    const before = all[i - 1];
    if (!space(child) || !/^m/.test(before?.classes[0] ?? "") || space(before)) return true;
    plus(before, number(child.style.marginRight));
    return false;
  });
}

/** The one letter or number that an inline formula is, or undefined. */
function letter({ children: [base, ...more] }) {
  const [, only, ...others] = base?.children ?? [];
  return only?.text && !only.children && !more.length && !others.length ? only : undefined;
}

/** What follows a formula without a gap, a comma say, in its last part: behind it a browser would begin a new line. */
function tie([spoken, shown], tail) {
  const { SymbolNode } = katex.__domTree;
  spoken.children.push(new SymbolNode(tail));
  shown.children.at(-1).children.push(new SymbolNode(tail, 0, 0, 0, 0, 0, ["after"]));
}

/** The formula for eyes and, without its source, for screen readers; a lone letter serves both as it is. */
function drawn(tex, display, tail) {
  const tree = katex.__renderToDomTree(tex, { displayMode: display, strict: "error" });
  const whole = display ? tree.children[0] : tree, [spoken, shown] = whole.children, [math] = spoken.children;
  math.children = math.children[0].children[0].children;
  thin(shown);
  const only = display ? undefined : letter(shown);
  if (only) {
    only.classes.push("katex-html");
    tree.children = [only];
  } else if (tail) tie(tree.children, tail);
  return tree.toMarkup() + (only && tail ? tail : "");
}

require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { tex, display, tail } = JSON.parse(line);
  let answer;
  try { answer = { html: drawn(tex, display, tail) }; }
  catch (error) { answer = { error: error.message }; }
  console.log(JSON.stringify(answer));
});
