// The models of the page: their weights at every step that was kept, and what the reader changed.

import { families } from "./families.js";
import { layoutOf } from "./model.js";
import { opened } from "../core/page_data.js";

export const PLUS = 11;
export const EVEN = [0, 2, 4, 6, 8, 10];
export const N_SEEDS = 24;
export const TENSORS = ["W_E", "W_pos", "W_Q", "W_K", "W_V", "W_in", "b_in", "W_out", "b_out", "W_U", "b_U"];

/** { layout, families, steps, followed, margins, weights(seed, step), kept(seed, step) }. */
export const bookOf = opened(({ facts: { config, shapes, followed, margins }, array }) => {
  const layout = layoutOf(config, shapes), steps = array("steps"), last = array("last"), rows = {};
  const rowOf = (step) => steps.findLastIndex((kept) => kept <= step);
  for (const seed of followed) rows[seed] = array(`seed-${seed}`);
  return { layout, steps, followed, margins, families: families(layout, EVEN),
    kept: (seed, step) => (rows[seed] ? steps[rowOf(step)] : steps.at(-1)),
    weights: (seed, step) => Float64Array.from(rows[seed]?.[rowOf(step)] ?? last[seed]) };
});

/** Weights with edits, each [tensor, entry, value]. */
export function edited(theta, layout, edits) {
  for (const [name, entry, value] of edits) theta[layout.start[name] + entry] = value;
  return theta;
}

const rounded = (value) => Math.round(Math.max(-1000, Math.min(1000, value)) * 1000) / 1000;

/** The change of state that sets entries of a tensor. What is undone at once is all that was done to the same entries. */
export function put({ edits, past = [], last }, name, changes) {
  const key = `${name} ${changes.map(([entry]) => entry)}`;
  const others = edits.filter(([other, entry]) => other !== name || !changes.some(([changed]) => changed === entry));
  return { edits: [...others, ...changes.map(([entry, value]) => [name, entry, rounded(value)])],
    past: key === last ? past : [...past, edits], last: key };
}

export const undone = ({ past = [] }) => ({ edits: past.at(-1) ?? [], past: past.slice(0, -1), last: null });

/** An entry's name as NumPy has it. */
export function entryName({ shapes }, name, entry) {
  const shape = shapes[name].filter((n) => n > 1), columns = shape.at(-1);
  return `${name}[${shape.length > 1 ? `${Math.floor(entry / columns)}, ${entry % columns}` : entry}]`;
}
