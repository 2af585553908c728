// Stacks: what KaTeX sets above one another, of which each line is an element and no more.
const { IN_LINE, bare, behind, each, em, is, number, scale, sign } = require("./parts.cjs");

const HOLDER = /^(mord|sqrt|mop|minner|mtight|mfrac|katex-accent|op-limits|msupsub|col-align-[clr])$/;

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
  const movable = each(row.classes, /^svg-align$/) && each(Object.keys(found.style), /^(margin|paddingLeft)/);
  if (!movable || !(sign(found) || each(found.classes, IN_LINE))) return row;
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
  const [{ children: [top] }, below] = table.children;
  const [height, depth] = [top, below?.children[0]].map((part) => number(part?.style.height));
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
  above.style = { marginLeft: em(before - body.width), marginRight: em(wide - before - above.width) };
  if (raised) above.style.verticalAlign = em(-raised);
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

module.exports = { accent, fraction, hold, lone, stack };
