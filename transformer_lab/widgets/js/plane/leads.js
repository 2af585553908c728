// Where the right token wins: transformer_lab/analysis/certificates/regions.py. Inside a polygon most hidden units are
// on everywhere or off everywhere: those are folded into one affine map, and only the lines that cross it are looked at.

/** Room for the affine map of a polygon, and for the lines that cross it. */
export const lines = ({ layout: { d_vocab: V, d_mlp: H } }, n) => ({ map: new Float64Array(3 * V),
  sides: new Float64Array(H * n), crossing: new Int32Array(H), logits: new Float64Array(V) });

/** The least lead of the answer over a polygon. */
export function leastLead(plane, corners, answer, room) {
  const n = corners.length / 2, crossed = fold(plane, corners, n, room), { sides, crossing } = room;
  let least = Infinity;
  const look = (x, y) => { least = Math.min(least, lead(plane, room, crossed, answer, x, y)); };
  for (let d = 0; d < n; d++) look(corners[2 * d], corners[2 * d + 1]);
  for (let c = 0; c < crossed; c++) for (let d = 0, at = crossing[c] * n; d < n; d++) {
    const e = (d + 1) % n, one = sides[at + d], other = sides[at + e];
    if (one > 0 === other > 0) continue;
    const share = one / (one - other);
    look(corners[2 * d] * (1 - share) + corners[2 * e] * share, corners[2 * d + 1] * (1 - share) + corners[2 * e + 1] * share);
  }
  for (let c = 0; c < crossed; c++) for (let b = 0; b < c; b++) meet(plane.lines, crossing[b], crossing[c], corners, n, look);
  return least;
}

/** Sorts the lines: how many cross; what the others add goes into the map. */
function fold({ lines: all, hidden, direct, layout: { d_vocab: V, d_mlp: H } }, corners, n, { map, sides, crossing }) {
  let crossed = 0;
  map.set(direct);
  for (let h = 0; h < H; h++) {
    const lx = all[3 * h], ly = all[3 * h + 1], offset = all[3 * h + 2];
    let on = 0;
    for (let d = 0; d < n; d++) {
      const side = lx * corners[2 * d] + ly * corners[2 * d + 1] + offset;
      sides[h * n + d] = side;
      if (side > 0) on++;
    }
    if (on > 0 && on < n) crossing[crossed++] = h;
    else if (on) for (let a = 0; a < V; a++) {
      const added = hidden[h * V + a];
      map[3 * a] += added * lx;
      map[3 * a + 1] += added * ly;
      map[3 * a + 2] += added * offset;
    }
  }
  return crossed;
}

function lead({ lines: all, hidden, layout: { d_vocab: V } }, { map, crossing, logits }, crossed, answer, x, y) {
  for (let a = 0; a < V; a++) logits[a] = map[3 * a] * x + map[3 * a + 1] * y + map[3 * a + 2];
  for (let c = 0; c < crossed; c++) {
    const h = crossing[c], active = all[3 * h] * x + all[3 * h + 1] * y + all[3 * h + 2];
    if (active > 0) for (let a = 0; a < V; a++) logits[a] += active * hidden[h * V + a];
  }
  let top = -Infinity;
  for (let a = 0; a < V; a++) if (a !== answer && logits[a] > top) top = logits[a];
  return logits[answer] - top;
}

/** Looks where two lines cross, if that is inside. */
function meet(all, g, h, corners, n, look) {
  const turn = all[3 * g] * all[3 * h + 1] - all[3 * g + 1] * all[3 * h];
  const x = (all[3 * g + 1] * all[3 * h + 2] - all[3 * h + 1] * all[3 * g + 2]) / turn;
  const y = (all[3 * h] * all[3 * g + 2] - all[3 * g] * all[3 * h + 2]) / turn;
  if (Number.isFinite(x) && Number.isFinite(y) && within(x, y, corners, n)) look(x, y);
}

/** Whether a point lies in a polygon, its edge included. */
export function within(x, y, corners, n = corners.length / 2) {
  let left = false, right = false, below = false, above = false; // a polygon may be as small as a rounding error
  for (let d = 0; d < n; d++) {
    left ||= corners[2 * d] <= x;
    right ||= corners[2 * d] >= x;
    below ||= corners[2 * d + 1] <= y;
    above ||= corners[2 * d + 1] >= y;
  }
  if (!(left && right && below && above)) return false;
  for (let d = 0; d < n; d++) {
    const e = (d + 1) % n, dx = x - corners[2 * d], dy = y - corners[2 * d + 1];
    const turn = (corners[2 * e] - corners[2 * d]) * dy - (corners[2 * e + 1] - corners[2 * d + 1]) * dx;
    if (turn < -1e-12 * Math.max(1, Math.abs(dx), Math.abs(dy))) return false;
  }
  return true;
}
