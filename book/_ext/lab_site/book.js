// What a page does by itself: theme, contents on a phone, "you are here", copying code, and search from a disk.
(() => {
  const page = document.documentElement;

  // A page read from disk may not fetch others, so search there shows titles without excerpts.
  if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

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
    const button = Object.assign(document.createElement("button"), { type: "button", className: "copy", textContent: "Copy" });
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(pre.textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    pre.parentElement.append(button);
  }

  // Folded answers are printed open.
  addEventListener("beforeprint", () => document.querySelectorAll("article details").forEach((details) => { details.open = true; }));
})();
