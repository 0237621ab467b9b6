/** Puts the page together. */
const KEPT = `farm-gallery ${location.pathname}`;
const PLACE = `${KEPT} place`;

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
    save: () => remember("sessionStorage", PLACE, leavePlace()),
  });
  const place = recall("sessionStorage", PLACE);
  if (place === null) return;
  remember("sessionStorage", PLACE, null);
  returnTo(place);
}

start();
