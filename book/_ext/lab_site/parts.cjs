// What the parts of a drawn formula are, in KaTeX's tree, and the room beside them.
const SIZES = [0, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.44, 1.728, 2.074, 2.488]; // of KaTeX's size1, size2, …
const KIND = /^(m(ord|op|open|close|rel|bin|punct|inner|tight)|mtable|text)$/; // what no rule of the style is for
const IN_LINE = new RegExp(`${KIND.source}|^(katex|katex-sizing|(reset-)?size\\d+|mainrm)$`);

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

/** Room behind a part; a slanted letter has some of its own. */
function behind(part, wide) {
  plus(part, "marginRight", wide + (part.italic || 0) * scale(part));
  if (part.italic) part.italic = 0;
}

module.exports = { IN_LINE, KIND, bare, behind, each, em, is, light, number, plain, plus, scale, sign };
