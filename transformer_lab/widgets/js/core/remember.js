/** A slow pure function that keeps its last few results, by the text of its arguments. */
export function remember(f, most = 6) {
  const results = new Map();
  return (...args) => {
    const key = JSON.stringify(args);
    if (!results.has(key)) {
      if (results.size === most) results.delete(results.keys().next().value);
      results.set(key, f(...args));
    }
    return results.get(key);
  };
}

/** The same for a function of an object that nobody changes, and of more: its last result for each object. */
export function rememberOf(f) {
  const results = new WeakMap();
  return (object, ...args) => {
    const key = JSON.stringify(args);
    if (results.get(object)?.key !== key) results.set(object, { key, result: f(object, ...args) });
    return results.get(object).result;
  };
}
