/** Light or dark as the system says, until the reader says otherwise. */
function startTheme() {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const kept = recall("localStorage", "farm-theme");
  if (kept === "light" || kept === "dark") root.dataset.theme = kept;

  document.getElementById("theme").addEventListener("click", () => {
    const now = root.dataset.theme ?? (dark.matches ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
    remember("localStorage", "farm-theme", root.dataset.theme);
  });
}
