// Lines of Python that plant a mistake: a tap for `backward` of transformer_lab.byhand.

/** `wrong`: for each gradient that goes wrong, the Python of what stands in its place. */
export const tapped = (words, wrong) => ["seen = dict(acts)", "",
  `def planted(name, value):   # ${words}`,
  ...Object.entries(wrong).flatMap(([name, python]) => [`    if name == "${name}":`, `        value = ${python}`]),
  "    seen[name] = value", "    return value", ""];
