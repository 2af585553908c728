// Searches what search-data.js holds: sections and terms whose words begin with what was asked for, best first.
(() => {
  const { pages, entries, synonyms } = window.labSearch, MOST = 40, AROUND = 90;
  const BEHIND = /(^|\/)(reference\/|instructors\.)/, LESS = 0.2;  // what a chapter explains comes first
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const stem = (word) => (/[^s]s$/.test(word) && word.length > 3 ? word.slice(0, -1) : word);
  const split = (text) => plain(text).split(/\s+/).filter(Boolean).map(stem);
  const escaped = (text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  const begins = (word) => new RegExp(`(?<![\\p{L}\\p{N}])${escaped(word)}`, "gu");
  const table = new Map(Object.entries(synonyms));
  const items = entries.map(([page, id, title, text, kind]) => ({ page, id, title, text, kind, low: plain(text), name: plain(title) }));

  /** What was asked for, and its other names; each is a list of words that must all stand in one place. */
  const readings = (query) => {
    const asked = plain(query).trim().replace(/\s+/g, " ");
    return [asked, ...(table.get(asked) ?? [])].map((phrase, i) => ({ phrase: plain(phrase), words: split(phrase), weight: i ? 0.6 : 1 }))
      .filter(({ words }) => words.length);
  };

  function score(item, { phrase, words, weight }) {
    let sum = 0;
    for (const word of words) {
      const pattern = begins(word), titled = pattern.test(item.name);
      const found = item.low.match(begins(word))?.length ?? 0;
      if (!titled && !found) return 0;
      sum += (titled ? 20 : 0) + Math.min(found, 6);
    }
    if (item.name === phrase || item.name === words.join(" ")) sum += 60;
    if (item.low.includes(phrase) || item.name.includes(phrase)) sum += 8;
    return weight * sum * (BEHIND.test(pages[item.page][0]) ? LESS : 1);
  }

  /** The places, best first; where all words stand nowhere together, those where some stand. */
  function find(query) {
    const all = readings(query);
    const ranked = (ways) => items.map((item) => ({ item, points: Math.max(0, ...ways.map((way) => score(item, way))) }))
      .filter(({ points }) => points).sort((a, b) => b.points - a.points || a.item.page - b.item.page).slice(0, MOST);
    const together = ranked(all);
    const marks = all.flatMap(({ words }) => words);
    return { marks, found: together.length ? together : ranked(split(query).map((word) => ({ phrase: word, words: [word], weight: 1 }))) };
  }

  const element = (tag, name, ...children) => {
    const made = document.createElement(tag);
    if (name) made.className = name;
    made.append(...children);
    return made;
  };

  /** The text, as nodes, with every word that was looked for marked. */
  function marked(text, marks) {
    const any = new RegExp(`(?<![\\p{L}\\p{N}])(?:${marks.map(escaped).join("|")})[\\p{L}\\p{N}]*`, "giu"), out = [];
    let end = 0;
    for (const hit of text.matchAll(any)) {
      out.push(text.slice(end, hit.index), element("mark", "", hit[0]));
      end = hit.index + hit[0].length;
    }
    return [...out, text.slice(end)];
  }

  /** The words around the first that was found. */
  function excerpt(text, marks) {
    const first = marks.map((word) => text.search(new RegExp(begins(word), "iu"))).filter((at) => at >= 0).sort((a, b) => a - b)[0] ?? 0;
    const from = first > AROUND ? text.indexOf(" ", first - AROUND) + 1 : 0;
    const to = from + 2.5 * AROUND < text.length ? text.lastIndexOf(" ", from + 2.5 * AROUND) : text.length;
    return (from ? "… " : "") + text.slice(from, to > from ? to : text.length) + (to < text.length ? " …" : "");
  }

  function shown({ item }, marks) {
    const [file, title, number] = pages[item.page];
    const link = element("a", "", ...marked(item.title, marks));
    link.href = `${file}#${item.id}`;
    const place = item.kind === "term" ? "Glossary" : number === null ? title : `Chapter ${number} · ${title}`;
    const body = item.text ? [element("p", "excerpt", ...marked(excerpt(item.text, marks), marks))] : [];
    return element("li", "", element("p", "hit", link, " ", element("span", "place", item.title === title ? place.split(" · ")[0] : place)), ...body);
  }

  const box = document.getElementById("search-results"), field = document.querySelector("article .search input");
  function answer(query) {
    if (!query.trim()) return box.replaceChildren();
    const { found, marks } = find(query);
    const count = found.length === MOST ? `The best ${MOST} places` : found.length === 1 ? "1 place" : `${found.length} places`;
    const said = found.length ? `${count} for “${query.trim()}”.`
      : `Nothing was found for “${query.trim()}”. Another word may help, or the notation for a symbol.`;
    const list = element("ol", "found", ...found.map((hit) => shown(hit, marks)));
    box.replaceChildren(Object.assign(element("p", "", said), { role: "status" }), ...(found.length ? [list] : []));
  }

  field.value = new URLSearchParams(location.search).get("q") ?? "";
  field.addEventListener("input", () => answer(field.value));
  answer(field.value);
})();
