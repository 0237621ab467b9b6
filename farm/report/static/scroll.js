/** Keeps the scroll position relative to elements, since content above them may grow between two loads of the page. */
const MAX_ANCHORS = 30;

/** Return the scroll height, and the elements at and above the reading position, the nearest first. */
function scrollPosition() {
  history.scrollRestoration = "manual"; // the browser would restore the height
  return { height: window.scrollY, anchors: window.scrollY > 0 ? anchorsAbove(readingTop() + 1) : [] };
}

/** Scroll the nearest of these elements that still exists to its former position. */
function restoreScroll({ height, anchors }) {
  const elements = new Map([...document.querySelectorAll("[data-anchor]")].map((one) => [one.dataset.anchor, one]));
  const anchor = anchors.find(({ name }) => elements.has(name));
  const move = () => {
    const off = anchor ? elements.get(anchor.name).getBoundingClientRect().top - anchor.top : height - window.scrollY;
    window.scrollBy({ top: off, behavior: "instant" });
  };
  move();
  requestAnimationFrame(() => requestAnimationFrame(move)); // elements outside the viewport get their size when near it
  window.addEventListener("load", () => setTimeout(() => (history.scrollRestoration = "auto")));
}

function anchorsAbove(line) {
  return [...document.querySelectorAll("[data-anchor]")]
    .filter((element) => element.getClientRects().length)
    .map((element) => ({ name: element.dataset.anchor, top: element.getBoundingClientRect().top }))
    .filter((anchor) => anchor.top <= line)
    .reverse()
    .slice(0, MAX_ANCHORS);
}

/** Return the top of the visible content: on narrow screens, the animation covers what scrolls below it. */
function readingTop() {
  const stage = document.getElementById("animation")?.getBoundingClientRect();
  const covers = stage && stage.top <= 0 && stage.bottom > 0 && stage.width > 0.9 * document.body.clientWidth;
  return covers ? stage.bottom : 0;
}
