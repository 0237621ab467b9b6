/** Keyboard shortcuts. Controls keep their own keys. */
function startKeys(position, player) {
  const help = startHelp();
  const moves = {
    ArrowLeft: (event) => position.index - (event.shiftKey ? 10 : 1),
    ArrowRight: (event) => position.index + (event.shiftKey ? 10 : 1),
    Home: () => 0,
    End: () => position.last,
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    const { target, key } = event;
    if (key === "?" && !target.matches("select")) {
      help.showModal();
    } else if (key === " " && !target.closest("button, a, summary, select, input[type=checkbox]")) {
      player.toggle();
    } else if (key in moves && !target.closest("select, .scroll, .manifest")) {
      player.pause();
      position.go(moves[key](event));
    } else {
      return;
    }
    event.preventDefault();
  });
}

function startHelp() {
  const help = document.getElementById("help");
  document.getElementById("help-open").addEventListener("click", () => help.showModal());
  document.getElementById("help-close").addEventListener("click", () => help.close());
  return help;
}
