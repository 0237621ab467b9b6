/** Connects the contact sheet, and all other buttons that show a frame. */
function startSheet(position, player, announce) {
  const cells = [...document.querySelectorAll("[data-cell]")];
  let current = null;

  position.follow(() => {
    const cell = cells[position.index];
    if (current) {
      current.removeAttribute("aria-current");
      current.tabIndex = -1;
    }
    cell.setAttribute("aria-current", "true");
    cell.tabIndex = 0; // the sheet is a single tab stop
    if (current === document.activeElement) cell.focus({ preventScroll: true });
    current = cell;
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-frame]");
    if (!button || !button.matches("button")) return;
    player.pause();
    position.goToFrame(Number(button.dataset.frame));
    if (!isVisible(document.getElementById("screen"))) {
      document.getElementById("animation").scrollIntoView({ block: "nearest" });
    }
    announce(`Frame ${position.frame}`);
  });
}

function isVisible(element) {
  const box = element.getBoundingClientRect();
  return box.bottom > box.height / 2 && box.top < window.innerHeight - box.height / 2;
}
