// Numbers as a reader wants them: a true minus sign, few digits, the same width in a column.

/** 3 decimals unless told: fixed(-0.5) is "−0.500". */
export const fixed = (value, digits = 3) =>
  (Math.abs(value) < 0.5 / 10 ** digits ? 0 : value).toFixed(digits).replace("-", "−");

/** 3 significant digits, powers of ten written out: brief(1.2e-9) is "1.2e−9". */
export function brief(value, digits = 3) {
  if (value === 0 || !Number.isFinite(value)) return String(value).replace("-", "−");
  const size = Math.abs(value), plain = size >= 1e-3 && size < 1e5;
  const text = plain ? String(Number(value.toPrecision(digits))) : value.toExponential(digits - 1);
  return text.replace("e+", "e").replaceAll("-", "−");
}

export const percent = (share, digits = 0) => fixed(100 * share, digits) + " %";

/** Letters for tokens, as spell() in Python: 0 is "A". */
export const letter = (token) => String.fromCharCode(65 + token);
export const spell = (tokens) => tokens.map(letter).join("");

/** A power of ten as it is written: tens(-3) is "10⁻³". */
export const tens = (n) => "10" + String(n).replace(/./g, (c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]));
