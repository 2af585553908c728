// Sequences as the reader types and presses them, and what the rule says.

import { h } from "../core/draw.js";
import { percent } from "../core/format.js";
import { button, entry } from "../core/ui.js";
import { EVEN, PLUS } from "./book.js";

export const LONGEST = 8;
export const word = (token) => (token === PLUS ? "+" : String(token));
export const spelt = (tokens) => tokens.map(word).join(" ");

/** { tokens } or { fault }. */
export function parse(text) {
  const found = text.match(/\d+|\+|[^\d+\s,]+/g) ?? [];
  const strange = found.find((part) => !/^(\d|10|\+)$/.test(part));
  if (strange !== undefined) return { fault: `“${strange}” is no token. Numbers from 0 to 10 and + are.` };
  if (!found.length) return { fault: "Type numbers from 0 to 10 and +." };
  if (found.length > LONGEST) return { fault: `The model sees ${LONGEST} tokens, and these are ${found.length}.` };
  return { tokens: found.map((part) => (part === "+" ? PLUS : Number(part))) };
}

/** What may come next: { place, allowed } of the latest even number, or null where the rule says nothing. */
export function ruled(tokens) {
  if (tokens.at(-1) !== PLUS) return null;
  const place = tokens.findLastIndex((token) => EVEN.includes(token));
  return { place, allowed: place < 0 ? EVEN : [tokens[place]] };
}

/** The line in which a sequence is typed, and the tokens to press. */
export function field({ sequence, draft }, now, lab) {
  const value = draft?.of === sequence ? draft.text : sequence, { fault } = parse(value);
  const type = (text) => {
    const { tokens } = parse(text), said = tokens ? spelt(tokens) : sequence;
    lab.set({ sequence: said, draft: { text, of: said } });
  };
  const go = (tokens) => lab.set({ sequence: spelt(tokens), draft: null });
  const add = (token) => go([...now.tokens, token].slice(-LONGEST));
  return h("div", {}, entry(lab, "Sequence", { value, wrong: fault !== undefined, said: fault ?? said(now) }, type,
    () => { if (!fault) lab.set({ draft: null }); }),
  h("div", { class: "lab-puts", role: "group", "aria-label": "Add a token", style: "margin-bottom: 0.6rem" },
    [...Array(PLUS + 1).keys()].map((token) => h("button", { type: "button", class: "lab-button lab-put",
      "aria-label": `Add ${word(token)}`, onclick: () => add(token) }, word(token))),
    button("⌫", () => go(now.tokens.slice(0, -1)), { disabled: now.tokens.length < 2, "aria-label": "Remove the last token" })));
}

function said({ rule, said: token, share, right }) {
  const answer = `The model says ${word(token)} (${percent(share, 1)})`;
  if (!rule) return `${answer}; the rule leaves it free.`;
  return `${answer}, which is ${right ? "right" : `wrong: ${rule.allowed.map(word).join(" or ")} should come`}.`;
}
