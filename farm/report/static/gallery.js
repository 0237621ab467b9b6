/** Puts the page together. */
const KEPT = `farm-gallery ${location.pathname}`;
const SCROLL = `${KEPT} scroll`;

function start() {
  const data = JSON.parse(document.getElementById("data").textContent);
  startTheme();
  if (document.querySelector(".card")) {
    startFilters();
    startPreviews();
  }
  startRefresh({
    seconds: data.refresh,
    writtenAt: data.writtenAt,
    save: () => remember("sessionStorage", SCROLL, window.scrollY),
  });
  const scroll = recall("sessionStorage", SCROLL);
  if (scroll === null) return;
  remember("sessionStorage", SCROLL, null);
  window.scrollTo({ top: scroll, behavior: "instant" });
}

start();
