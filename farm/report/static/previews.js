/** Plays a card's preview while the pointer or the focus is on it; only then the preview is fetched. */
function startPreviews() {
  const reducedMotion = window.matchMedia("(prefers-reduced-motion: reduce)");
  for (const card of document.querySelectorAll(".card")) {
    const image = card.querySelector("[data-preview]");
    if (!image) continue;
    const poster = image.src;
    const reasons = new Set();

    const change = (reason, active) => {
      if (active && !reducedMotion.matches) reasons.add(reason);
      else reasons.delete(reason);
      const source = reasons.size ? image.dataset.preview : poster;
      if (image.getAttribute("src") !== source) image.src = source;
    };
    image.addEventListener("error", () => {
      if (image.src !== poster) image.src = poster;
    });
    card.addEventListener("pointerenter", () => change("pointer", true));
    card.addEventListener("pointerleave", () => change("pointer", false));
    card.addEventListener("focusin", () => change("focus", true));
    card.addEventListener("focusout", () => change("focus", false));
  }
}
