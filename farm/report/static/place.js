/** Where the reader is: at elements of the page, not at a height, for what stands above may grow while they read. */
const MOST_ANCHORS = 30;

/** Return, before the page loads itself again, its height and the elements at and above what is read, the nearest first. */
function leavePlace() {
  history.scrollRestoration = "manual"; // the browser would go back to the height
  return { height: window.scrollY, anchors: window.scrollY > 0 ? anchorsAbove(topOfReading() + 1) : [] };
}

/** Bring the nearest of these elements that is still there to where it was. */
function returnTo({ height, anchors }) {
  const elements = new Map([...document.querySelectorAll("[data-anchor]")].map((one) => [one.dataset.anchor, one]));
  const anchor = anchors.find(({ name }) => elements.has(name));
  const move = () => {
    const off = anchor ? elements.get(anchor.name).getBoundingClientRect().top - anchor.top : height - window.scrollY;
    window.scrollBy({ top: off, behavior: "instant" });
  };
  move();
  requestAnimationFrame(() => requestAnimationFrame(move)); // what is far from sight has its size only when it is near
  window.addEventListener("load", () => setTimeout(() => (history.scrollRestoration = "auto")));
}

function anchorsAbove(line) {
  return [...document.querySelectorAll("[data-anchor]")]
    .filter((element) => element.getClientRects().length)
    .map((element) => ({ name: element.dataset.anchor, top: element.getBoundingClientRect().top }))
    .filter((anchor) => anchor.top <= line)
    .reverse()
    .slice(0, MOST_ANCHORS);
}

/** On narrow screens the animation covers the top of what scrolls. */
function topOfReading() {
  const stage = document.getElementById("animation")?.getBoundingClientRect();
  const covers = stage && stage.top <= 0 && stage.bottom > 0 && stage.width > 0.9 * document.body.clientWidth;
  return covers ? stage.bottom : 0;
}
