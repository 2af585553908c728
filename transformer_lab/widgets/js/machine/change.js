// What the reader changes: another question to compare with, and one number that is set.

import { button } from "../core/controls.js";
import { h } from "../core/draw.js";
import { brief, fixed } from "../core/format.js";
import { input, parse } from "../ask/inputs.js";
import { short } from "./panels.js";

const FIXED = ["probs", "written"]; // what follows from a number that can be set

/** The same question with another last digit, so that there is something to compare with before one types. */
export function otherOf(expression) {
  const { number } = parse(expression), last = number % 10;
  return input(number - last + (last === 2 ? 7 : 2)).text;
}

const number = (text) => (/\d/.test(text) ? Number(text.trim().replace("−", "-").replace(",", ".")) : NaN);
const allowed = (name, value) => Math.abs(value) <= 1000 && (short(name) !== "pattern" || (value >= 0 && value <= 1));

/** The number that is set, where it is one, and set in this question. */
export function putOf({ put, expression }) {
  const found = put && number(put.text);
  if (!put || put.of !== expression || !allowed(put.name, found)) return null;
  return { name: put.name, head: put.head, row: put.row, column: put.column, number: found };
}

const here = (put, { at, row, column }) => put?.name === at.name && put.head === at.head && put.row === row
  && put.column === column;

/** In place of the equation, what is said of a number that the reader has set; else null. */
export function setByYou(put, now, before) {
  if (put?.name !== now.at.name || put.head !== now.at.head || put.row !== now.row) return null;
  if (here(put, now)) return `set by you; it was ${fixed(before)}.`;
  return short(put.name) === "pattern" ? `scaled, so that the row still adds up to one; it was ${fixed(before)}.` : null;
}

/** A field that sets the number that is asked, and a way back. */
export function field(state, now, lab) {
  const { at, row, column, put } = now;
  if (!lab.id || (FIXED.includes(short(at.name)) && !put)) return null;
  const mine = here(state.put, now) && state.put.of === state.expression ? state.put.text : null, id = `${lab.id}-put`;
  const set = (text) => lab.set({ put: { name: at.name, head: at.head, row, column, text, of: state.expression } });
  const wrong = mine !== null && mine.trim() !== "" && !put;
  return h("div", { class: "lab-entry" },
    FIXED.includes(short(at.name)) ? null : h("label", { class: "lab-field" }, h("span", {}, "Set it to"),
      h("span", { class: "lab-typed" }, h("input", { type: "text", style: "width: 6em", maxlength: 8, autocomplete: "off",
        inputmode: "decimal", value: mine ?? brief(at.value[row][column]), "aria-invalid": wrong, "aria-describedby": id,
        oninput: ({ target }) => set(target.value) }))),
    short(at.name) === "pattern" ? button("Look only here", () => set("1")) : null,
    put ? button("Undo", () => lab.set({ put: null })) : null,
    h("span", { id, class: "wrong" }, !wrong ? "" : short(at.name) === "pattern" ? "A share is a number from 0 to 1."
      : "Write a number, at most 1000 in size."));
}
