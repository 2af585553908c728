// Runs the explorables of a built page, where there is no kernel: each <div class="lab-static"> holds a still picture
// and its state, and is brought to life when it comes near the screen; one with much data, when its button is pressed.
// All is loaded by <script>, which works from a disk (file://) and under a content-security policy.
(() => {
  const folder = new URL(".", document.currentScript.src || document.baseURI);
  const registered = (window.transformerLab ??= { modules: {}, data: {}, bytes: {}, much: 0 }); // filled by NAME.js and data-NAME.js

  const FIRST = ':is(input, select, button, [tabindex="0"]):not([tabindex="-1"], :disabled, [aria-disabled="true"])';

  /** The part of anywidget's model that an explorable uses. */
  class Model {
    #state; #listeners = {};
    constructor(state) { this.#state = state; }
    get(key) { return this.#state[key]; }
    set(key, value) { this.#state[key] = value; this.#emit(`change:${key}`); }
    save_changes() { this.#emit("change"); }
    on(event, listener) { (this.#listeners[event] ??= new Set()).add(listener); }
    off(event, listener) { this.#listeners[event]?.delete(listener); }
    send() {}
    #emit(event) { for (const listener of [...(this.#listeners[event] ?? [])]) listener(); }
  }

  const once = (load) => { // what failed is tried again when it is asked for again
    const seen = new Map();
    return (name) => {
      if (!seen.has(name)) seen.set(name, load(name).catch((fault) => { seen.delete(name); throw fault; }));
      return seen.get(name);
    };
  };
  const script = once((file) => new Promise((done, failed) => {
    const tag = Object.assign(document.createElement("script"), { src: new URL(file, folder), onload: done });
    tag.onerror = () => { tag.remove(); failed(new Error(`${file} did not load`)); };
    document.head.append(tag);
  }));
  const loaded = async (kind, name, file) => {
    if (!Object.hasOwn(registered[kind], name)) await script(file); // a page in one file has all within
    if (!Object.hasOwn(registered[kind], name)) throw new Error(`${file} came without its content`);
    return registered[kind][name];
  };
  const module = once((name) => loaded("modules", name, `${name}.js`));
  const data = once(async (name) => {
    const text = await loaded("data", name, `data-${name}.js`);
    return new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  });

  /** Puts a button on the still picture, and waits until it is pressed. */
  const pressed = (el, bytes) => new Promise((done) => {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "lab-button lab-start" });
    button.textContent = `Start (loads ${(bytes / 1e6).toFixed(1)} MB)`;
    button.onclick = () => { Object.assign(button, { disabled: true, textContent: "Loading …" }); done(); };
    el.querySelector(".lab-head").after(button);
  });

  const models = new Map(); // the explorables that are awake
  const waking = new Map();

  /** Of the still pictures for wide and narrow screens the one in sight stays. */
  function oneStill(el) {
    const seen = [...el.querySelectorAll(":scope > .lab-still")].find((still) => still.offsetParent !== null);
    if (seen) el.replaceChildren(...seen.childNodes);
  }

  async function wake(el, asked = false) {
    oneStill(el);
    const lab = await module(el.dataset.lab), state = JSON.parse(el.dataset.state || "{}");
    const bytes = registered.bytes[lab.data] ?? 0;
    if (bytes > registered.much && !asked) await pressed(el, bytes);
    if (lab.data) state.data = await data(lab.data);
    const box = document.createElement("div");
    el.style.minHeight = `${el.offsetHeight}px`; // what is below does not jump up
    el.after(box); // beside the still picture, so that its width is known before the picture goes
    const model = new Model({ ...lab.defaults, ...state });
    await lab.render({ model, el: box });
    el.replaceChildren(box);
    el.classList.add("lab-live");
    models.set(el, model);
    model.on("change", () => mark(el, model));
    el.style.minHeight = "";
    if (bytes > registered.much) box.querySelector(FIRST)?.focus({ preventScroll: true });
  }

  /** In place of "Loading …": what went wrong, and a button to try again; the still picture stays. */
  function failed(el, { message }) {
    el.querySelector(".lab-start")?.remove();
    const said = Object.assign(document.createElement("p"), { className: "lab-said wrong" });
    const again = Object.assign(document.createElement("button"), { type: "button", className: "lab-button" });
    said.setAttribute("role", "alert");
    again.textContent = "Try again";
    again.onclick = () => { said.remove(); begin(el, true); };
    said.append(`${message}. The picture stands still. `, again);
    (el.querySelector(".lab-head") ?? el).after(said);
  }

  /** Wakes an explorable, once; a second time only what failed. */
  function begin(el, asked) {
    if (models.has(el) || (waking.has(el) && !asked)) return waking.get(el);
    waking.set(el, wake(el, asked).catch((fault) => failed(el, fault)));
    return waking.get(el);
  }

  // Links in sentences: data-set has a state, data-part the name of a part of the picture.
  const ofLink = (link) => document.querySelector(link.getAttribute("href"));
  const links = (el, kind) => document.querySelectorAll(`a[data-${kind}][href="#${el.id}"]`);
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

  /** A link whose state is the explorable's is marked. */
  function mark(el, model) {
    if (!el.id) return;
    for (const link of links(el, "set")) {
      const there = Object.entries(JSON.parse(link.dataset.set)).every(([key, value]) => same(model.get(key), value));
      there ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
    }
  }

  async function follow(link) {
    const el = ofLink(link);
    await begin(el, true);
    const model = models.get(el);
    if (!model) return; // it failed, and says so
    for (const [key, value] of Object.entries(JSON.parse(link.dataset.set))) model.set(key, value);
    model.save_changes();
    const { top, bottom } = el.getBoundingClientRect();
    if (top > innerHeight - 120 || bottom < 120) el.scrollIntoView({ block: "nearest" });
  }

  function light(link, on) {
    ofLink(link).querySelectorAll(`[data-part="${link.dataset.part}"]`).forEach((part) => part.classList.toggle("lab-lit", on));
    ofLink(link).classList.toggle("lab-lighting", on);
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-set], a[data-part]");
    if (!link) return;
    event.preventDefault();
    link.dataset.set ? follow(link) : ofLink(link).scrollIntoView({ block: "nearest" });
  });
  for (const [event, on] of [["mouseover", true], ["mouseout", false], ["focusin", true], ["focusout", false]]) {
    document.addEventListener(event, ({ target }) => {
      const link = target.closest?.("a[data-part]"), part = target.closest?.("[data-part]:not(a)");
      if (link) light(link, on);
      else if (part) links(part.closest(".lab-static"), "part").forEach((word) =>
        word.classList.toggle("lab-lit", on && word.dataset.part === part.dataset.part));
    });
  }

  const near = new IntersectionObserver((entries) => entries.filter((e) => e.isIntersecting).forEach(({ target }) => {
    near.unobserve(target);
    begin(target);
  }), { rootMargin: "400px" });
  const start = () => document.querySelectorAll(".lab-static").forEach((el) => near.observe(el));
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", start) : start();
})();
