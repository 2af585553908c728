// A page's data, as transformer_lab/widgets/page_data.py writes it: a safetensors file, read as its header says.

import { range } from "./math.js";

const float16 = (bits) => { // a finite one
  const exponent = (bits >> 10) & 31, size = ((bits & 1023) + (exponent && 1024)) * 2 ** (Math.max(exponent, 1) - 25);
  return bits >> 15 ? -size : size;
};

const KINDS = { // bytes a number, and the one at a place
  F64: [8, (view, at) => view.getFloat64(at, true)], F32: [4, (view, at) => view.getFloat32(at, true)],
  F16: [2, (view, at) => float16(view.getUint16(at, true))], U16: [2, (view, at) => view.getUint16(at, true)],
  U8: [1, (view, at) => view.getUint8(at)],
};

function reader(view) {
  const length = Number(view.getBigUint64(0, true));
  const text = new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + 8, length));
  const { __metadata__: { page }, ...entries } = JSON.parse(text), facts = JSON.parse(page);
  const array = (name) => { // nested arrays, of the shape that it has in NumPy
    const { dtype, shape, data_offsets: [first] } = entries[name], [size, number] = KINDS[dtype];
    let at = 8 + length + first - size;
    const nested = ([n, ...inner]) => (n === undefined ? number(view, at += size) : range(n).map(() => nested(inner)));
    return nested(shape);
  };
  const params = (model) => Object.fromEntries(Object.keys(entries).filter((name) => name.startsWith(`${model}/`))
    .map((name) => [name.slice(model.length + 1), array(name)]));
  return { facts, array, model: (name) => ({ config: facts.models[name], params: params(name) }) };
}

/** One result for each page's bytes: what `make` gives for their reader, { facts, array(name), model(name) }. */
export function opened(make) {
  const seen = new WeakMap();
  return (view) => {
    if (!seen.has(view)) seen.set(view, make(reader(view)));
    return seen.get(view);
  };
}
