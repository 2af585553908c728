// The tokens of transformer_lab.tasks.expressions, by their numbers.

export const TOKENS = ["[PAD]", "[EOS]", ..."0123456789", "First", "Second", "Last", "Max", "Min", "(", ")", ",",
  "Median", "Second-largest", "Sort", "Add"];
