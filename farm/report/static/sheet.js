/** The contact sheet, and every other button that names a frame. */
function startSheet(position, player, announce) {
  const cells = [...document.querySelectorAll("[data-place]")];
  let shown = null;

  position.follow(() => {
    const cell = cells[position.place];
    if (shown) {
      shown.removeAttribute("aria-current");
      shown.tabIndex = -1;
    }
    cell.setAttribute("aria-current", "true");
    cell.tabIndex = 0; // the sheet is one stop of the tab key, not one a frame
    if (shown === document.activeElement) cell.focus({ preventScroll: true });
    shown = cell;
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-frame]");
    if (!button || !button.matches("button")) return;
    player.pause();
    position.goToFrame(Number(button.dataset.frame));
    if (!inSight(document.getElementById("screen"))) {
      document.getElementById("animation").scrollIntoView({ block: "nearest" });
    }
    announce(`Frame ${position.frame}`);
  });
}

function inSight(element) {
  const box = element.getBoundingClientRect();
  return box.bottom > box.height / 2 && box.top < window.innerHeight - box.height / 2;
}
