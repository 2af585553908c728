// One formula a line in, one answer a line out; nothing else is ever written to stdout.
const katex = require(process.argv[2]);
const { row, thin } = require("./drawn.cjs"), { bare, sign } = require("./parts.cjs");

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

/** The formula for screen readers, without its source, and for eyes; a lone sign serves both as it is. */
function drawn(tex, display, marks) {
  const tree = katex.__renderToDomTree(tex, { displayMode: display, strict: "error" });
  const [{ children: [math] }, shown] = (display ? tree.children[0] : tree).children;
  math.children = [math.children[0].children[0]];
  delete math.attributes.xmlns;
  say(math);
  shown.classes = ["katex"];
  row(shown, display);
  thin(shown, marks);
  const [only, ...more] = shown.children;
  if (!display && !more.length && sign(only) && bare(only)) {
    shown.attributes = {};
    return shown.toMarkup();
  }
  if (display) shown.classes.push("katex-display");
  return math.toMarkup() + shown.toMarkup();
}

require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { tex, display, marks } = JSON.parse(line);
  let answer;
  try { answer = { html: drawn(tex, display, marks) }; }
  catch (error) { answer = { error: error.message }; }
  console.log(JSON.stringify(answer));
});
