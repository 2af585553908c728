// Building an expression: what can be put in the place of the number or operation that is selected, by press or by key.

import { parse, replaced, spell, value, written } from "../core/expression.js";
import { clamp, range } from "../core/math.js";
import { beyond, operations } from "./training.js";

const LARGEST = 199, FEWEST = 2, MOST = 4; // numbers, and arguments of an operation
const isNumber = (part) => typeof part === "number";

/** An operation in the place of a part: another name, or a number with company. */
const named = (name, { n_args, high }) => (part) => (isNumber(part)
  ? { name, inside: range(n_args).map((i) => (i ? (part + 3 * i) % (high + 1) : part)) } : { ...part, name });

/** A digit behind those that are there; as many stay as training's numbers have. */
const typed = (digit, { high }) => (part) =>
  (isNumber(part) ? (10 * part + digit) % 10 ** String(high).length : digit);

const counted = (change) => (part) => clamp(part + change, 0, LARGEST);

/** One argument more or fewer, where there may be. */
const argued = (change) => ({ inside, ...part }) => ({ ...part,
  inside: change > 0 ? [...inside, 0].slice(0, MOST) : inside.slice(0, Math.max(FEWEST, inside.length - 1)) });

/** The state after a part is replaced; what lengthens a row that is too long already is not done. */
function after({ expression }, { n_ctx }, n, act) {
  const before = parse(expression).x, now = replaced(before, n, act), length = (x) => written(x).tokens.length;
  return length(before) > n_ctx && length(now) > length(before) ? {} : { expression: spell(now) };
}

/**
 * What can be put in the place of the selected part, in rows: { text, change (of the state), strange (not in training),
 * on (is there already), off (nothing would change) }.
 */
export function choices(state, { task, tree, nodes, selected }) {
  const { x } = nodes[selected];
  const choice = (text, act, on = false) => {
    const change = after(state, task, selected, act), made = change.expression ?? state.expression;
    const off = !on && made === state.expression;
    return { text, change, on, off, strange: !off && beyond(parse(made).x, task)[selected] !== "" };
  };
  const steps = isNumber(x) ? [["−1", counted(-1)], ["+1", counted(1)]]
    : [["− argument", argued(-1)], ["+ argument", argued(1)],
      ...(x === tree ? [] : [[`its value ${value(x)}`, value]])];
  const digits = isNumber(x) ? range(10).map((digit) => [String(digit), typed(digit, task), x === digit]) : [];
  return [[...steps, ...digits].map((one) => choice(...one)),
    operations(task).map((name) => choice(name, named(name, task), x.name === name))];
}

const MOVES = { ArrowLeft: -1, ArrowRight: 1 }, TURNS = { ArrowUp: 1, ArrowDown: -1 }, SIGNS = { "+": 1, "-": -1 };

/** What a key does to the state: arrows, digits, first letters, + and -, Enter; null where it does nothing. */
export function pressed(state, { task, tree, nodes, selected }, key) {
  const { x } = nodes[selected], names = operations(task);
  const put = (act) => after(state, task, selected, act);
  const turn = (some, by) => some.at((some.indexOf(x.name) + by) % some.length);
  if (key in MOVES) return { selected: clamp(selected + MOVES[key], 0, nodes.length - 1) };
  if (key in TURNS) return put(isNumber(x) ? counted(TURNS[key]) : named(turn(names, TURNS[key]), task));
  if (/^\d$/.test(key)) return x === tree ? null : put(typed(Number(key), task));
  if (key in SIGNS) return put(isNumber(x) ? counted(SIGNS[key]) : argued(SIGNS[key]));
  if (key === "Enter") return isNumber(x) ? put(named(names[0], task)) : x === tree ? null : put(value);
  const starting = names.filter((name) => name[0] === key.toUpperCase());
  return starting.length ? put(named(turn(starting, 1), task)) : null;
}
