// Training of the one-head model on the page: the runs of chapters.ch03.study, from the same random numbers,
// so that each of its seeds can be followed step by step. A sparse form of one_head.js, since most of the input is 0.

import { integers, normals } from "./random.js";

export const TASK = { alphabet: 26, period: 5, n_ctx: 20 };
export const STEPS = 500;
const { alphabet: V, period, n_ctx: T } = TASK, BATCH = 100, RATE = 5, PHASE = 50, SCALE = 0.1;

/** Which matrices a step trains: both, or one for 50 steps and then the other. */
export function trained(order, step) {
  const first = Math.floor(step / PHASE) % 2 === 0;
  const moves = (leader) => order === "joint" || first === (order === leader);
  return { W_QK: moves("look-first"), W_OV: moves("write-first") };
}

/** The tuple's letters, tiled. */
export const tile = (letters) => Array.from({ length: T }, (_, t) => letters[t % period]);

/** What the head does with one tuple: pattern, read, probs. Where it has no positions, W_QK has no rows for them. */
export function attend({ W_QK, W_OV }, letters) {
  const d = W_OV.length / V, root = Math.sqrt(d), placed = d > V, tokens = tile(letters), last = tokens[T - 1];
  const query = (k) => W_QK[last * d + k] + (placed ? W_QK[(d - 1) * d + k] : 0);
  const scores = tokens.map((token, t) => (query(token) + (placed ? query(V + t) : 0)) / root);
  const pattern = normalised(scores), read = new Float64Array(d), logits = new Float64Array(V);
  tokens.forEach((token, t) => { read[token] += pattern[t]; if (placed) read[V + t] = pattern[t]; });
  for (let i = 0; i < d; i++) if (read[i]) for (let v = 0; v < V; v++) logits[v] += read[i] * W_OV[i * V + v];
  return { tokens, last, pattern, read, logits, probs: normalised(logits) };
}

function normalised(scores) {
  const top = Math.max(...scores), weights = scores.map((s) => Math.exp(s - top));
  const total = weights.reduce((a, b) => a + b);
  return weights.map((w) => w / total);
}

/** Mean gradients over the patterns (letters, five a pattern), and their loss. As in one_head.js, line by line. */
export function gradients(params, patterns) {
  const { W_QK, W_OV } = params, d = W_OV.length / V, root = Math.sqrt(d), placed = d > V, n = patterns.length / period;
  const grads = { W_QK: new Float64Array(d * d), W_OV: new Float64Array(d * V), loss: 0 };
  for (let k = 0; k < n; k++) {
    const letters = patterns.subarray(k * period, (k + 1) * period);
    const { tokens, last, pattern, read, probs } = attend(params, letters);
    const target = letters[T % period], d_read = new Float64Array(d), d_logits = probs;
    grads.loss -= Math.log(probs[target]) / n;
    d_logits[target] -= 1;
    for (let i = 0; i < d; i++) if (read[i]) for (let v = 0; v < V; v++) {
      grads.W_OV[i * V + v] += read[i] * d_logits[v] / n;
      d_read[i] += W_OV[i * V + v] * d_logits[v];
    }
    const d_pattern = tokens.map((token, t) => d_read[token] + (placed ? d_read[V + t] : 0));
    const mean = d_pattern.reduce((sum, g, t) => sum + g * pattern[t], 0);
    tokens.forEach((token, t) => {
      const d_score = pattern[t] * (d_pattern[t] - mean) / root / n;
      for (const row of placed ? [last, d - 1] : [last]) {
        grads.W_QK[row * d + token] += d_score;
        if (placed) grads.W_QK[row * d + V + t] += d_score;
      }
    });
  }
  return grads;
}

/** One seed of one arm. It is trained piece by piece; every step's weights and loss are kept. */
export class Run {
  constructor(positions, order, seed) {
    const d = V + (positions === "one_hot" ? T : 0);
    const init = (name, size) => Float32Array.from(normals(seed, `init ${name}`, size), (value) => SCALE * value);
    const initial = { W_QK: init("W_QK", d * d), W_OV: init("W_OV", d * V) };
    Object.assign(this, { order, seed, losses: [], weights: [initial] });
  }

  step() {
    const step = this.losses.length, now = this.weights[step], moves = trained(this.order, step), next = {};
    const grads = gradients(now, integers(0, "train", step, V, this.seed * BATCH * period, BATCH * period));
    this.losses.push(grads.loss);
    for (const name in now) next[name] = moves[name] ? now[name].map((w, i) => w - RATE * grads[name][i]) : now[name];
    this.weights.push(next);
  }

  /** Trains on until the weights of this step are there, but no longer than some milliseconds. */
  advance(step, budget) {
    for (const end = performance.now() + budget; this.losses.length < step && performance.now() < end;) this.step();
  }
}
