// What a page does by itself: theme, contents on a phone, "you are here", copying code, and search from a disk.
(() => {
  const page = document.documentElement;

  const theme = document.querySelector(".theme-toggle");
  const show = () => theme.setAttribute("aria-pressed", page.dataset.theme === "dark");
  theme.addEventListener("click", () => {
    page.dataset.theme = page.dataset.theme === "dark" ? "light" : "dark";
    try { localStorage.setItem("theme", page.dataset.theme); } catch { /* a browser that keeps nothing */ }
    show();
  });
  show();

  const contents = document.querySelector(".contents"), toggle = document.querySelector(".contents-toggle");
  const open = (yes) => { contents.classList.toggle("open", yes); toggle.setAttribute("aria-expanded", yes); };
  if (toggle) {
    toggle.addEventListener("click", () => open(!contents.classList.contains("open")));
    contents.addEventListener("click", (event) => event.target.closest("a") && open(false));
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !contents.classList.contains("open")) return;
      open(false);
      toggle.focus();
    });
  }

  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.closest("input, textarea, select, [contenteditable]")) return;
    event.preventDefault();
    document.querySelector(".search input").focus();
  });

  // The section that is being read is marked in the contents.
  const links = new Map([...document.querySelectorAll('.contents a[href^="#"]')].map((a) => [a.hash.slice(1), a]));
  const sections = [...document.querySelectorAll("article section[id]")].filter((section) => links.has(section.id));
  const mark = () => {
    const past = sections.filter((section) => section.getBoundingClientRect().top < innerHeight / 3);
    const current = past.at(-1)?.id;
    links.forEach((a, id) => a.classList.toggle("here", id === current));
  };
  if (sections.length) {
    new IntersectionObserver(mark, { rootMargin: "0px 0px -66% 0px" }).observe(sections[0]);
    addEventListener("scroll", () => requestAnimationFrame(mark), { passive: true });
    mark();
  }

  if (navigator.clipboard) for (const pre of document.querySelectorAll(".cell_input pre, article > section div[class*='highlight-'] pre")) {
    if (pre.closest(".cell_output")) continue;
    const button = Object.assign(document.createElement("button"), { type: "button", className: "copy", textContent: "Copy" });
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(pre.textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    pre.parentElement.append(button);
  }

  // What is wider than its place fades at the side where it goes on, and can be reached and scrolled by keys.
  const wide = document.querySelectorAll("article :is(.math-scroll, .table-scroll, pre, .lab-fig > div)");
  const cue = (box) => {
    const more = box.scrollWidth - box.clientWidth;
    box.classList.toggle("more-before", more > 1 && box.scrollLeft > 1);
    box.classList.toggle("more-after", more > 1 && box.scrollLeft < more - 1);
    more > 1 ? box.setAttribute("tabindex", "0") : box.removeAttribute("tabindex");
  };
  const sized = new ResizeObserver((changes) => changes.forEach(({ target }) => cue(target)));
  wide.forEach((box) => {
    sized.observe(box);
    box.onscroll = () => cue(box);
  });

  // A term of the glossary shows its meaning where it stands, when it is pointed at or reached by the keyboard.
  const isTerm = (target) => target.closest?.('article a[href*="glossary.html#term-"]');
  const here = document.currentScript.src;
  let card, told;
  const terms = () => told ??= new Promise((done) => {
    document.head.append(Object.assign(document.createElement("script"), { src: new URL("terms.js", here), onload: () => done(window.labTerms) }));
  });
  const hide = () => { card?.owner.removeAttribute("aria-describedby"); card?.remove(); card = null; };
  const explain = async (link) => {
    const text = (await terms())[decodeURIComponent(link.hash.slice(1))];
    if (!text || card?.owner === link || !(link.matches(":hover") || link === document.activeElement)) return;
    hide();
    card = Object.assign(document.createElement("span"), { className: "card-of-term", id: "card-of-term", textContent: text, owner: link });
    card.setAttribute("role", "tooltip");
    link.setAttribute("aria-describedby", "card-of-term");
    document.body.append(card);
    const place = link.getBoundingClientRect(), size = card.getBoundingClientRect();
    const below = place.bottom + size.height + 12 < innerHeight;
    card.style.left = `${Math.max(8, Math.min(place.left, document.documentElement.clientWidth - size.width - 8)) + scrollX}px`;
    card.style.top = `${(below ? place.bottom + 4 : place.top - size.height - 4) + scrollY}px`;
  };
  for (const event of ["mouseover", "focusin"]) document.addEventListener(event, ({ target }) => {
    const link = isTerm(target);
    if (link) explain(link);
    else if (card && !card.contains(target) && document.activeElement !== card.owner) hide();
  });
  document.addEventListener("focusout", ({ target }) => isTerm(target) && hide());
  document.addEventListener("keydown", ({ key }) => key === "Escape" && hide());
})();
