// The frame that every explorable has. An explorable is one file, js/NAME.js:
//
//   import { h } from "./core/draw.js";
//   import { explorable, picture, slider } from "./core/ui.js";
//
//   export default explorable({
//     title: "Soft lookup",
//     instruction: "Drag the query.",                    // one line
//     defaults: { temperature: 1 },                      // the state: one key for each synced trait in Python
//     compute: (state, data) => ({ ... }),               // what follows from the state, once for all below; with
//                                    // `unfinished: true` in it, it is called again in the next frame to go on
//     view: (state, now, lab) => picture(lab, 300, ...), // the picture, lab.width pixels wide
//     controls: (state, now, lab) => [slider(...)],      // at most one row
//     describe: (state, now) => "A sentence or two.",    // read out whenever it changes
//     loud: (state) => false,                            // whether that is what the reader waited for
//     table: (state, now) => ({ caption, columns: ["token", "weight"], rows: [["A", "0.25"], ...] }),
//                                    // or a list of such tables
//     code: (state, now) => "import transformer_lab\n...",  // the same state in Python
//     own: { chosen: -1 },   // state that is the reader's: kept in this browser under state.id, never sent
//     fits: (own, state) => true,    // whether what was kept makes sense; if not, the first state is shown
//   });
//
// Title and instruction may be functions of the state; compute, controls, table, code and own may be left out.
// All are pure functions: the same code draws the still picture (in Node, at lab.width 680) and the live one.
//
//   lab.width               pixels the picture may use; a phone has about 340
//   lab.set({ key: value }) changes the state, draws again and tells Python
//   lab.reset()             back to the first state; keys that it does not have are forgotten
//   lab.id                  no other explorable of the page has it
//   lab.data                a DataView, where the explorable says `data: "NAME"` (see bundle.py)
//
// Drawing is h(tag, attributes, ...children). What comes and goes should leave null in its place, so that its
// neighbours keep theirs, and their focus.

import { h, draw, markup } from "./draw.js";
import { button, codeView, tableView } from "./controls.js";

export { button, choose, draggable, entry, handle, menu, picture, pressable, pressed, scrubber, slider, walked } from "./controls.js";

const STILL = { id: "", width: 680, data: null, set() {}, reset() {}, hold() {} };
const SAVE_EVERY = 50; // ms between messages to Python
const KEPT = "transformer-lab:kept"; // said on the window when an own state was stored
const QUIET = "data-lm-suppress-shortcuts"; // with it JupyterLab leaves a key to the element that has the focus

export function explorable(spec) {
  const finished = (given, data) => { // the state, and all that follows from it
    const state = { ...spec.defaults, ...spec.own, ...given };
    let now = spec.compute?.(state, data);
    while (now?.unfinished) now = spec.compute(state, data);
    return [state, now];
  };
  return {
    defaults: spec.defaults,
    data: spec.data,
    finished,
    render: ({ model, el }) => mount(spec, model, el),
    code: (given = {}, data = null) => spec.code?.(...finished(given, data)) ?? "",
    poster(given = {}, data = null, width = STILL.width) {
      const [state, now] = finished(given, data);
      return markup(h("div", { class: "lab" }, head(spec, state), stage(spec.view(state, now, { ...STILL, width })),
        words(spec, state, now)));
    },
  };
}

const text = (part, state) => (typeof part === "function" ? part(state) : part);
const head = (spec, state, id) => h("p", { class: "lab-head" },
  h("strong", { id }, text(spec.title, state)), " ", text(spec.instruction, state));
const stage = (view) => h("div", { class: "lab-stage" }, view);
const words = (spec, state, now, busy = false) => h("p", { class: spec.loud?.(state) ? "lab-words lab-loud" : "lab-words",
  "aria-live": "polite", "aria-busy": busy }, spec.describe(state, now));

function mount(spec, model, el) {
  // In JupyterLab each explorable is a module of its own, so that no counter is shared.
  const keys = Object.keys(spec.defaults), id = `lab-${Math.random().toString(36).slice(2)}`;
  const received = (key) => model.get(key) ?? spec.defaults[key];
  const initial = { ...spec.own, ...Object.fromEntries(keys.map((key) => [key, received(key)])) };
  const root = document.createElement("div");
  let state = { ...initial, ...recall(spec, initial) };
  let pending = {}, timer = 0, frame = 0, held = false, open = null;

  const schedule = () => { frame ||= requestAnimationFrame(() => { frame = 0; redraw(); }); };
  const lab = {
    ...STILL,
    id,
    data: model.get("data") ?? null,
    set(change) {
      state = { ...state, ...change };
      if (spec.own) keep(spec.own, state, id);
      pending = { ...pending, ...change };
      timer ||= setTimeout(save, SAVE_EVERY);
      redraw(); // at once: the next key press meets the new state
    },
    reset() { state = {}; lab.set(initial); },
    hold(on) { held = on; if (!on) keys.forEach(receive); }, // a drag begins or ends
  };
  function save() {
    const change = pending;
    [timer, pending] = [0, {}];
    for (const key in change) if (key in spec.defaults) model.set(key, change[key]);
    model.save_changes();
  }
  function receive(key) { // what Python assigned; the echo of a drag that still goes on is left alone
    if (held || key in pending) return;
    state = { ...state, [key]: received(key) };
    schedule();
  }

  const toggle = (name, label) => button(label, () => { open = open === name ? null : name; schedule(); },
    { "aria-expanded": open === name, "aria-controls": `${id}-more` });
  function redraw() {
    const now = spec.compute?.(state, lab.data);
    draw(root, head(spec, state, id), stage(spec.view(state, now, lab)),
      h("div", { class: "lab-controls" }, spec.controls?.(state, now, lab), h("span", { class: "lab-tools" },
        button("Reset", lab.reset), spec.table && toggle("table", "Table"), spec.code && toggle("code", "Code"))),
      words(spec, state, now, held || now?.unfinished === true),
      h("div", { class: "lab-more", id: `${id}-more` },
        { table: () => [spec.table(state, now)].flat().map(tableView),
          code: () => codeView(spec.code(state, now)) }[open]?.()));
    if (now?.unfinished) schedule();
  }

  const listeners = keys.map((key) => [`change:${key}`, () => receive(key)]);
  listeners.forEach(([event, listener]) => model.on(event, listener));
  const again = ({ detail }) => { // another copy of the same question
    if (detail.key !== state.id || detail.by === id) return;
    state = { ...state, ...recall(spec, initial) };
    schedule();
  };
  if (spec.own) window.addEventListener(KEPT, again);
  const guard = (event) => root.toggleAttribute(QUIET, !commanding(event));
  window.addEventListener("keydown", guard, true);
  root.addEventListener("keydown", (event) => {
    if (!commanding(event) && event.key !== "Escape") event.stopPropagation();
  });
  const watch = new ResizeObserver(() => {
    if (root.clientWidth && root.clientWidth !== lab.width) { lab.width = root.clientWidth; schedule(); }
  });
  Object.entries({ class: "lab", role: "group", "aria-labelledby": id }).forEach((pair) => root.setAttribute(...pair));
  el.append(root);
  lab.width = root.clientWidth || STILL.width;
  watch.observe(root);
  redraw();
  return () => {
    watch.disconnect();
    window.removeEventListener(KEPT, again);
    window.removeEventListener("keydown", guard, true);
    listeners.forEach(([event, listener]) => model.off(event, listener));
  };
}

/** A key that is meant for the program around the page, such as Ctrl+S. */
const commanding = ({ ctrlKey, metaKey, altKey }) => ctrlKey || metaKey || altKey;

// The browser may refuse to store (private windows); the explorable then works, and forgets.
function recall({ own, fits }, state) {
  if (!own) return {};
  try {
    const kept = JSON.parse(localStorage.getItem(`transformer-lab:${state.id}`));
    const mine = Object.fromEntries(Object.keys(own).map((key) => [key, kept[key]]));
    return fits(mine, state) ? mine : {};
  } catch { return {}; }
}

function keep(own, state, by) {
  const entered = Object.fromEntries(Object.keys(own).map((key) => [key, state[key]]));
  try { localStorage.setItem(`transformer-lab:${state.id}`, JSON.stringify(entered)); } catch { return; }
  window.dispatchEvent(new CustomEvent(KEPT, { detail: { key: state.id, by } }));
}
