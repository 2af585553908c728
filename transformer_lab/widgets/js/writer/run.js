// A text that goes on: the reader's beginning, and what the model writes behind it, a few characters at a time.

import { opened } from "../core/page_data.js";
import { softmax } from "../core/math.js";
import { chance, shares, taken } from "../decoding/sample.js";
import { reader } from "./model.js";
import { ruler } from "./ngrams.js";

const AT_ONCE = 6, KEPT = 8; // characters in a frame; texts that are remembered

/** The model, its alphabet and the ruler of a page's data, and the texts that were begun. */
export const booked = opened(({ facts, array, model }) => {
  const { config, params } = model("writer");
  return { config, alphabet: facts.alphabet, reader: reader({ config, params }), runs: new Map(),
    ruler: ruler(array, facts.order, config.d_vocab) };
});

/** Where the model begins to read for the character at a place: from one half window to a whole one before it. */
export function begins(place, { n_ctx }) {
  const half = Math.floor(n_ctx / 2);
  return place <= n_ctx ? 0 : half * Math.ceil((place - n_ctx) / half);
}

/** The text that belongs to a state: tokens, and a step for each place before which the model has read. */
export function begun(book, { text, temperature, top_k, top_p, draws }) {
  const key = JSON.stringify([text, temperature, top_k, top_p, draws]), { runs } = book;
  if (!runs.has(key)) {
    if (runs.size >= KEPT) runs.delete(runs.keys().next().value);
    const tokens = [...text].map((letter) => book.alphabet.indexOf(letter));
    runs.set(key, { given: tokens.length, tokens, steps: [], start: 0, memory: book.reader.opened() });
  }
  return runs.get(key);
}

/** Reads, and behind the beginning writes, until `length` characters are written (then false) or the frame is over. */
export function onward(book, run, state) {
  const { tokens, steps, given } = run, end = given + state.length, how = { pick: "drawn", ...state };
  const over = () => tokens.length >= end && steps.length >= end - 1;
  for (let n = 0; n < AT_ONCE && !over(); n++) {
    if (steps.length < tokens.length) steps.push(step(book, run));
    else tokens.push(taken(steps.at(-1).logits, shares(steps.at(-1).logits, how), how, chance(state.draws, tokens.length - given)));
  }
  return !over();
}

/** The next character is read; where the window moves, those before it are read again. */
function step({ reader, config }, run) {
  const { tokens, steps } = run, start = begins(steps.length + 1, config);
  if (start !== run.start) {
    Object.assign(run, { start, memory: reader.opened() });
    tokens.slice(start, steps.length).forEach((token) => reader.read(run.memory, token));
  }
  const { logits, patterns } = reader.read(run.memory, tokens[steps.length]);
  return { start, logits, patterns, p: softmax(logits) };
}
