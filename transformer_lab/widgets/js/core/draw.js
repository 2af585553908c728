// A picture is a tree of plain objects, made by h(). draw() brings the page in line with it and keeps what
// is already there (so focus and a drag survive); markup() writes the same tree as a still picture.

const SVG = "http://www.w3.org/2000/svg";
const drawn = new WeakMap(); // element -> the node it was last drawn from

// What is not there (null, false) becomes an empty text, so that its neighbours keep their places.
const list = (nodes) => nodes.flat(Infinity).map((node) =>
  (node instanceof Element ? node : node == null || node === false ? "" : String(node)));

class Element { // only h() makes one: an object that was stored or given is text
  constructor(tag, attrs, children) { Object.assign(this, { tag, attrs, children }); }
}

/** One element: h("circle", { cx: 3, onclick: f }, ...children). */
export const h = (tag, attrs, ...children) => new Element(tag, attrs ?? {}, list(children));

/** A part of a picture with a name, which words beside the picture can light up. */
export const part = (name, ...children) => h("g", { "data-part": name }, ...children);

/** Make the children of `parent` be `nodes`, changing only what differs. */
export function draw(parent, ...nodes) {
  const wanted = list(nodes);
  wanted.forEach((node, i) => {
    const old = parent.childNodes[i];
    const kept = fits(old, node) ? old : create(parent, node);
    if (kept !== old) old ? old.replaceWith(kept) : parent.append(kept);
    if (node.tag) update(kept, node);
    else if (kept.data !== String(node)) kept.data = String(node);
  });
  while (parent.childNodes.length > wanted.length) parent.lastChild.remove();
}

const fits = (old, node) => old && (node.tag ? old.localName === node.tag : old.nodeType === 3);

function create(parent, { tag }) {
  if (!tag) return document.createTextNode("");
  const inSvg = tag === "svg" || (parent.namespaceURI === SVG && parent.localName !== "foreignObject");
  return inSvg ? document.createElementNS(SVG, tag) : document.createElement(tag);
}

function update(element, node) {
  if (drawn.get(element) === node) return; // a part that is kept need not be looked at
  const { attrs, children } = node, before = drawn.get(element)?.attrs ?? {};
  for (const name in before) if (!(name in attrs)) set(element, name, null);
  for (const name in attrs) if (before[name] !== attrs[name]) set(element, name, attrs[name]);
  drawn.set(element, node);
  draw(element, children);
  if ("value" in attrs && element.value !== String(attrs.value)) element.value = attrs.value; // options come first
}

function set(element, name, value) {
  if (name.startsWith("on") || name === "checked") element[name] = value;
  else if (shown(name, value) === null) element.removeAttribute(name);
  else element.setAttribute(name, shown(name, value));
}

function shown(name, value) {
  if (name.startsWith("aria-") && typeof value === "boolean") return String(value);
  return value == null || value === false ? null : value === true ? "" : String(value);
}

const escape = (text) => text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
const alive = /^(on|aria-|tabindex$|role$|for$|id$)/; // what makes no sense in a picture that does nothing
const still = { button: "span", label: "span", input: null, select: null };

/** The tree as HTML text, without anything that could be operated. */
export function markup(node) {
  if (!node.tag) return escape(String(node));
  const tag = node.tag in still ? still[node.tag] : node.tag;
  if (tag === null) return node.attrs.type === "text" ? escape(node.attrs.value) : "";
  const attrs = Object.entries(node.attrs)
    .filter(([name, value]) => !alive.test(name) && shown(name, value) !== null)
    .map(([name, value]) => ` ${name}="${escape(shown(name, value))}"`);
  return `<${tag}${attrs.join("")}>${node.children.map(markup).join("")}</${tag}>`;
}
