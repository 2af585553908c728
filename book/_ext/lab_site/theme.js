// Runs before the page is drawn: the theme that the reader chose, or the system's; and the sign that scripts run.
{
  const page = document.documentElement;
  let kept;
  try { kept = localStorage.getItem("theme"); } catch { /* a browser that keeps nothing */ }
  const dark = kept ? kept === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  page.dataset.theme = dark ? "dark" : "light";
  page.classList.add("scripted");
}
