// Runs the explorables of a built page, where there is no kernel: each <div class="lab-static"> holds a still picture
// and its state, and is brought to life when it comes near the screen; one with much data, when its button is pressed.
// Scripts are added by <script>, and modules imported from a Blob, because that works from a disk (file://) too.
(() => {
  const folder = new URL(".", document.currentScript.src);
  const registered = (window.transformerLab ??= { modules: {}, data: {}, bytes: {} }); // filled by NAME.js and data-NAME.js
  const MUCH = 250_000; // bytes of data that nobody should have to load who only reads on

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

  const once = (load) => { const seen = {}; return (name) => (seen[name] ??= load(name)); };
  const script = once((file) => new Promise((done, failed) => {
    const tag = Object.assign(document.createElement("script"), { src: new URL(file, folder), onload: done });
    tag.onerror = () => failed(new Error(`${file} did not load`));
    document.head.append(tag);
  }));
  const module = once(async (name) => {
    await script(`${name}.js`);
    const url = URL.createObjectURL(new Blob([registered.modules[name]], { type: "text/javascript" }));
    return (await import(url)).default;
  });
  const data = once(async (name) => {
    await script(`data-${name}.js`);
    return new DataView(Uint8Array.from(atob(registered.data[name]), (c) => c.charCodeAt(0)).buffer);
  });

  /** Puts a button on the still picture, and waits until it is pressed. */
  const pressed = (el, bytes) => new Promise((done) => {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "lab-button lab-start" });
    button.textContent = `Start (loads ${(bytes / 1e6).toFixed(1)} MB)`;
    button.onclick = () => { Object.assign(button, { disabled: true, textContent: "Loading …" }); done(); };
    el.querySelector(".lab-head").after(button);
  });

  async function wake(el) {
    const lab = await module(el.dataset.lab), state = JSON.parse(el.dataset.state || "{}");
    const bytes = registered.bytes[lab.data] ?? 0;
    if (bytes > MUCH) await pressed(el, bytes);
    if (lab.data) state.data = await data(lab.data);
    const box = document.createElement("div");
    el.after(box); // beside the still picture, so that its width is known before the picture goes
    await lab.render({ model: new Model(state), el: box });
    el.replaceChildren(box);
    el.classList.add("lab-live");
    if (bytes > MUCH) box.querySelector("input, button, select, [tabindex]")?.focus({ preventScroll: true });
  }

  /** In place of "Loading …": what went wrong; the still picture stays. */
  function failed(el, { message }) {
    el.querySelector(".lab-start")?.remove();
    const said = Object.assign(document.createElement("p"), { className: "lab-said wrong", textContent: message });
    said.setAttribute("role", "alert");
    said.append(". The picture stands still; load the page again to try once more.");
    el.querySelector(".lab-head").after(said);
  }

  const near = new IntersectionObserver((entries) => entries.filter((e) => e.isIntersecting).forEach(({ target }) => {
    near.unobserve(target);
    wake(target).catch((fault) => failed(target, fault));
  }), { rootMargin: "400px" });
  const start = () => document.querySelectorAll(".lab-static").forEach((el) => near.observe(el));
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", start) : start();
})();
