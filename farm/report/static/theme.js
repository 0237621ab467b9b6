/** Follows the system's light or dark theme until the reader switches it. */
function startTheme() {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const saved = load("localStorage", "farm-theme");
  if (saved === "light" || saved === "dark") root.dataset.theme = saved;

  document.getElementById("theme").addEventListener("click", () => {
    const now = root.dataset.theme ?? (dark.matches ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
    save("localStorage", "farm-theme", root.dataset.theme);
  });
}
