// Every colour is a CSS variable (theme.json), so a picture follows the theme without being drawn again.

import theme from "../../../theme.json" with { type: "json" };

const share = (value, limit) => (limit > 0 ? Math.min(1, Math.abs(value) / limit) : 0).toFixed(3);

/** A meaning's colour: "query", "key", "value", "residual", "mlp", "other", "ink", "soft", "line", ... */
export const color = (name) => `var(--lab-${name})`;

/** Its second sign, for those who do not see the colour: ▷ query, ◆ key, ● value, ... */
export const glyph = (role) => theme.marks[role].glyph;

/** Amounts (attention, probability), 0 to `limit`: from the page to one dark hue. */
export const amount = (value, limit = 1) =>
  ({ fill: color("amount"), "fill-opacity": share(Math.max(0, value), limit) });

/** Signed amounts (weights, scores, gradients), -limit to limit: zero is the page itself. */
export const signed = (value, limit = 1) =>
  ({ fill: color(value < 0 ? "negative" : "positive"), "fill-opacity": share(value, limit) });

/** The largest absolute value in nested arrays: the limit of a symmetric map. */
export const largest = (values) => values.flat(Infinity).reduce((top, value) => Math.max(top, Math.abs(value)), 0);
