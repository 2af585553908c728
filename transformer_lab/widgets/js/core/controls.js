// Things to operate: each returns a piece of the picture (draw.js), works by mouse, touch and keyboard alike,
// and looks like the figures.

import { h } from "./draw.js";
import { clamp } from "./math.js";

/** The drawing surface: lab.width by `height` units of one pixel each. */
export const picture = (lab, height, ...children) => h("svg",
  { class: "lab-picture", viewBox: `0 0 ${lab.width} ${height}`, role: "group", "aria-label": "Picture" }, children);

/** One that is `disabled` keeps the focus that it has, and does nothing. */
export const button = (label, onclick, { disabled, ...attrs } = {}) => h("button", { type: "button", class: "lab-button",
  onclick: disabled ? null : onclick, "aria-disabled": disabled ? true : null, ...attrs }, label);

/** A number between min and max; `shown` is how it reads. */
export const slider = (label, { min, max, step, value, shown = value, attrs = {} }, oninput) =>
  h("label", { class: "lab-field lab-slider" }, h("span", {}, label),
    h("input", { type: "range", min, max, step, value, "aria-valuetext": String(shown), ...attrs,
      oninput: (event) => oninput(Number(event.target.value)) }),
    h("output", {}, shown));

/** One of a few (up to five or so), all in sight. `options` is a list of [value, label]. */
export function choose(label, options, value, onpick) {
  const chosen = options.findIndex(([option]) => option === value);
  return h("span", { class: "lab-field lab-choose", role: "radiogroup", "aria-label": label },
    h("span", { "aria-hidden": true }, label),
    options.map(([option, name], i) => h("button", {
      type: "button", role: "radio", class: "lab-button", "aria-checked": i === chosen,
      tabindex: i === Math.max(0, chosen) ? 0 : -1,
      onclick: () => onpick(option), onkeydown: (event) => walk(event, options, i, onpick),
    }, name)));
}

function walk(event, options, i, onpick) {
  const turn = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!turn) return;
  event.preventDefault();
  const next = (i + turn + options.length) % options.length;
  event.currentTarget.parentNode.querySelectorAll("[role=radio]")[next].focus();
  onpick(options[next][0]);
}

/** One of many. */
export function menu(label, options, value, onpick) {
  const picked = ({ target }) => onpick(options.find(([option]) => String(option) === target.value)[0]);
  return h("label", { class: "lab-field lab-menu" }, h("span", {}, label),
    h("select", { value, onchange: picked }, options.map(([option, name]) => h("option", { value: option }, name))));
}

/** A line of text. `said` is the sentence beside it, which says what is wrong with the text where it is `wrong`. */
export const entry = (lab, label, { value, said, wrong }, oninput, onchange) => h("div", { class: "lab-entry" },
  h("label", { class: "lab-field" }, h("span", {}, label), h("span", { class: "lab-typed" },
    h("input", { type: "text", value, maxlength: 60, autocomplete: "off", autocapitalize: "off", spellcheck: "false",
      "aria-invalid": wrong, "aria-describedby": `${lab.id}-said`,
      oninput: ({ target }) => oninput(target.value), onchange }))),
  h("span", { class: wrong ? "lab-said wrong" : "lab-said", id: `${lab.id}-said`, "aria-live": "polite" }, said));

const SLOP = 6; // px sideways that make a touch a drag
let touched = null; // where a finger came down on something that is dragged across; null once it drags

/**
 * Attributes that make an SVG element draggable: move({ x, y }) gets the place in the picture's own units. What is
 * dragged `across` only leaves upright swipes to the page, which then scrolls.
 */
export function draggable(lab, move, across = false) {
  const held = (event) => event.currentTarget.hasPointerCapture(event.pointerId);
  const drag = (event) => {
    if (touched !== null && Math.abs(event.clientX - touched) < SLOP) return;
    touched = null;
    move(place(event));
  };
  const release = (event) => { if (held(event)) lab.hold(false); touched = null; };
  return {
    class: across ? "lab-drag lab-across" : "lab-drag",
    onpointerdown(event) {
      event.currentTarget.setPointerCapture(event.pointerId);
      lab.hold(true);
      touched = across && event.pointerType === "touch" ? event.clientX : null;
      if (touched === null) move(place(event));
    },
    onpointermove(event) { if (held(event)) drag(event); },
    onpointerup(event) { if (held(event) && touched !== null) move(place(event)); release(event); }, // a tap
    onpointercancel: release,
    // Chromium heeds touch-action at the root of an SVG alone.
    ontouchstart: across ? null : (event) => event.preventDefault(),
  };
}

/** Attributes of what is pressed, not dragged: act({ x, y }) gets the place. Give the keyboard another way. */
export const pressable = (act) => ({ class: "lab-press", onclick: (event) => act(place(event)) });

function place(event) {
  const svg = event.currentTarget.closest("svg"), box = svg.getBoundingClientRect();
  const unit = svg.viewBox.baseVal.width / box.width;
  return { x: (event.clientX - box.left) * unit, y: (event.clientY - box.top) * unit };
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/**
 * Attributes for a point that the reader moves, also with the arrow keys: nudge(dx, dy) gets steps of 1 to the
 * right and up (with Shift, of 10), and with Home and End the way to `low` and `high` where these are whole numbers.
 * `value` (from low to high) is for assistive technology, `shown` how it reads.
 */
export const handle = (lab, { label, value, low, high, shown, move, nudge, across = false }) => ({
  ...draggable(lab, move, across),
  class: across ? "lab-drag lab-across lab-handle" : "lab-drag lab-handle", tabindex: 0, role: "slider", "aria-label": label,
  "aria-valuenow": value, "aria-valuemin": low, "aria-valuemax": high, "aria-valuetext": shown,
  onkeydown(event) {
    const arrow = ARROWS[event.key], end = Number.isInteger(value) ? { Home: low, End: high }[event.key] - value : NaN;
    if (!arrow && !Number.isInteger(end)) return;
    event.preventDefault();
    nudge(...(arrow ? arrow.map((step) => step * (event.shiftKey ? 10 : 1)) : [end, 0]));
  },
});

/** What a handle says and does by keys, without the drag: a finger that moves over the picture scrolls the page. */
export function walked(lab, options) {
  const { tabindex, role, onkeydown, ...rest } = handle(lab, options);
  return { tabindex, role, onkeydown, ...Object.fromEntries(Object.entries(rest).filter(([key]) => key.startsWith("aria-"))) };
}

/** A place in the picture that is a button, over what is drawn there. */
export const pressed = (act, attrs, ...drawn) => h("g", {}, h("g", { "aria-hidden": true }, drawn),
  h("rect", { fill: "transparent", tabindex: 0, role: "button", ...attrs, ...pressable(act),
    onkeydown: (event) => { if (/^(Enter| )$/.test(event.key)) { event.preventDefault(); act(); } } }));

/**
 * A transparent area along which a whole number is dragged, for lab.set({ [key]: number }). at({ x, y }) says which
 * number a place means. `down`: the number grows downwards. `area` is { x, y, width, height }.
 */
export function scrubber(lab, key, { label, value, low, high, shown, at, area, down = false }) {
  const go = (number) => lab.set({ [key]: clamp(Math.round(number), low, high) });
  return h("rect", { ...area, fill: "transparent", ...handle(lab, { label, value, low, high, shown, across: !down,
    move: (point) => go(at(point)), nudge: (dx, dy) => go(value + dx + (down ? -dy : dy)) }) });
}

/** { caption, columns, rows } as a table; the first cell of a row names it. */
export const tableView = ({ caption, columns, rows }) =>
  h("div", { class: "lab-scroll", tabindex: 0, role: "region", "aria-label": caption }, h("table", {},
    h("caption", {}, caption),
    h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, rows.map(([name, ...cells]) =>
      h("tr", {}, h("th", { scope: "row" }, name), cells.map((cell) => h("td", {}, cell)))))));

/** Code with a button that copies it, or, where the browser forbids that, selects it. */
export const codeView = (source) => h("div", { class: "lab-code" },
  h("pre", { tabindex: 0, "aria-label": "The code for this state" }, h("code", {}, source)),
  button("Copy", async ({ currentTarget: pressed }) => {
    getSelection().selectAllChildren(pressed.previousSibling);
    const copied = await navigator.clipboard?.writeText(source).then(() => true, () => false);
    pressed.textContent = copied ? "Copied" : "Selected";
  }));
