/** Loads the page again while its job runs, as if nothing had happened to the reader: same frame, scroll and focus. */
function startRefresh({ seconds, writtenAt, save }) {
  tellAge(seconds, writtenAt);
  const wanted = document.getElementById("refreshing");
  if (!seconds || !wanted) return;
  wanted.checked = recall("sessionStorage", "farm-refreshing") ?? true;
  wanted.addEventListener("change", () => remember("sessionStorage", "farm-refreshing", wanted.checked));

  let touching = false;
  document.addEventListener("pointerdown", () => (touching = true));
  for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => (touching = false));

  const due = performance.now() + 1000 * seconds;
  setInterval(() => {
    const busy = touching || document.hidden || document.querySelector("dialog[open]");
    if (performance.now() < due || busy || !wanted.checked || String(getSelection())) return;
    save();
    location.reload();
  }, 200);
}

/** Say how old the page is: a run that was killed cannot. */
function tellAge(seconds, writtenAt) {
  const place = document.getElementById("fresh");
  const written = Date.parse(writtenAt);
  if (!place || Number.isNaN(written)) return;
  const tell = () => {
    const age = Math.max(0, (Date.now() - written) / 1000);
    const stale = age > Math.max(60, 10 * seconds);
    place.classList.toggle("stale", stale);
    place.textContent = `Written ${ageText(age)} ago.${stale ? " The run may have ended unexpectedly." : ""}`;
  };
  tell();
  setInterval(tell, 1000);
}

function ageText(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
}
