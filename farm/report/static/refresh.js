/** Reloads the page while its job runs; `beforeReload` saves what the next load restores. */
function startRefresh({ seconds, writtenAt, beforeReload }) {
  startAge(seconds, writtenAt);
  const enabled = document.getElementById("refreshing");
  if (!seconds || !enabled) return;
  enabled.checked = load("sessionStorage", "farm-refreshing") ?? true;
  enabled.addEventListener("change", () => save("sessionStorage", "farm-refreshing", enabled.checked));

  let touching = false;
  document.addEventListener("pointerdown", () => (touching = true));
  for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => (touching = false));

  const due = performance.now() + 1000 * seconds;
  setInterval(() => {
    const busy = touching || document.hidden || document.querySelector("dialog[open]");
    if (performance.now() < due || busy || !enabled.checked || String(getSelection())) return;
    beforeReload();
    location.reload();
  }, 200);
}

/** Shows the age of the page, since a killed run cannot report its end. */
function startAge(seconds, writtenAt) {
  const element = document.getElementById("fresh");
  const written = Date.parse(writtenAt);
  if (!element || Number.isNaN(written)) return;
  const update = () => {
    const age = Math.max(0, (Date.now() - written) / 1000);
    const stale = age > Math.max(60, 10 * seconds);
    element.classList.toggle("stale", stale);
    element.textContent = `Written ${ageText(age)} ago.${stale ? " The run may have ended unexpectedly." : ""}`;
  };
  update();
  setInterval(update, 1000);
}

function ageText(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
}
