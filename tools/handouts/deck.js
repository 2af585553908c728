// Turns the slides: arrow keys, Page Up and Down, Space, Home and End; the address keeps the place. Each slide is made
// as large as the window allows.
(() => {
  const slides = [...document.querySelectorAll(".slide")];
  const made = (name, from = {}) => Object.assign(document.createElement(name), from);
  const where = made("p", { className: "where" }), turners = made("nav", { className: "turners" });
  where.setAttribute("aria-live", "polite");
  turners.setAttribute("aria-label", "Slides");
  document.body.append(turners, where);
  let at = 0;

  function fit() {
    const inner = slides[at].querySelector(".inner");
    inner.style.zoom = 1;
    const scale = Math.min(innerWidth / inner.offsetWidth, (innerHeight - 36) / inner.offsetHeight, 3);
    inner.style.zoom = Math.max(scale, innerWidth > inner.offsetWidth ? 0.7 : 1); // what is longer than that scrolls
  }
  function show(next) {
    at = Math.max(0, Math.min(slides.length - 1, next));
    slides.forEach((slide, i) => { slide.hidden = i !== at; });
    where.textContent = `${at + 1} / ${slides.length}`;
    history.replaceState(null, "", `#s${at + 1}`);
    fit();
  }
  const step = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };
  const works = (el) => el.closest("input, select, textarea, button, summary, a, [tabindex]:not(.math-scroll):not(pre)");
  addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || (works(target) && !key.startsWith("Page"))) return;
    if (key in step) show(at + step[key]);
    else if (key === "Home") show(0);
    else if (key === "End") show(slides.length - 1);
    else if (key === "d") document.documentElement.dataset.theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    else return;
    event.preventDefault();
  });
  for (const [name, words, sign, by] of [["back", "Previous slide", "‹", -1], ["on", "Next slide", "›", 1]]) {
    const button = made("button", { className: name, type: "button", textContent: sign, onclick: () => { show(at + by); button.blur(); } });
    button.setAttribute("aria-label", words);
    turners.append(button);
  }
  addEventListener("resize", fit);
  addEventListener("hashchange", () => show(Number(location.hash.slice(2)) - 1 || 0));
  new ResizeObserver(fit).observe(document.documentElement);
  document.addEventListener("toggle", fit, true);
  show(Number(location.hash.slice(2)) - 1 || 0);
})();
