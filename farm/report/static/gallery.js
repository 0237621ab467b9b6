/** Starts the gallery. */
const STORAGE_KEY = `farm-gallery ${location.pathname}`;
const SCROLL_KEY = `${STORAGE_KEY} place`;

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
    beforeReload: () => save("sessionStorage", SCROLL_KEY, scrollPosition()),
  });
  const scroll = load("sessionStorage", SCROLL_KEY);
  if (scroll === null) return;
  save("sessionStorage", SCROLL_KEY, null);
  restoreScroll(scroll);
}

start();
