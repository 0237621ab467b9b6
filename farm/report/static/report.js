/** Puts the page together. */
const KEPT = `farm-report ${location.pathname}`;

function start() {
  const data = JSON.parse(document.getElementById("data").textContent);
  startTheme();
  if (data.frames.length === 0) {
    startHelp();
    startRefresh({ seconds: data.refresh, writtenAt: data.writtenAt, save: () => keep({}) });
    return;
  }

  const status = document.getElementById("announce");
  const announce = (text) => (status.textContent = text);
  const position = new Position(data.frames, data.count);
  const player = new Player(position, data.fps, data.rubberBand);
  startControls(position, player, announce);
  startScreen(position);
  startCharts(position, player, data);
  startTables(data);
  startSheet(position, player, announce);
  startKeys(position, player);
  startRefresh({
    seconds: data.refresh,
    writtenAt: data.writtenAt,
    save: () => keep({ frame: position.frame, playing: player.playing, speed: player.speed, swinging: player.swinging }),
  });
  resume(position, player);
  startAddress(position, player);
}

function keep(state) {
  const focused = document.activeElement;
  remember("sessionStorage", KEPT, {
    ...state,
    scroll: window.scrollY,
    open: [...document.querySelectorAll("main details")].map((details) => details.open),
    focus: focused.id ? `#${focused.id}` : focused.matches("[data-place]") ? "[data-place][aria-current]" : "",
  });
}

/** Go on where a refresh left off, else at the frame that the address names, else play. */
function resume(position, player) {
  const kept = recall("sessionStorage", KEPT);
  const named = /^#frame-(\d+)$/.exec(location.hash);
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (kept) {
    remember("sessionStorage", KEPT, null);
    restore(kept, position, player);
  } else if (named) {
    position.goToFrame(Number(named[1]));
  } else if (!calm) {
    player.play();
  }
}

function restore(kept, position, player) {
  if (kept.frame !== undefined) position.goToFrame(kept.frame);
  const speed = document.getElementById("speed");
  speed.value = String(kept.speed ?? 1);
  speed.dispatchEvent(new Event("change"));
  if ((kept.swinging ?? player.swinging) !== player.swinging) document.getElementById("swing").click();
  document.querySelectorAll("main details").forEach((details, number) => (details.open = kept.open[number] ?? false));
  if (kept.focus) document.querySelector(kept.focus)?.focus({ preventScroll: true });
  window.scrollTo({ top: kept.scroll, behavior: "instant" });
  if (kept.playing) player.play();
}

/** Keep the address of the frame that is looked at, so that it can be sent to somebody. */
function startAddress(position, player) {
  let waiting = 0;
  position.addEventListener("change", () => {
    clearTimeout(waiting);
    if (player.playing) return;
    waiting = setTimeout(() => {
      try {
        history.replaceState(null, "", `#frame-${position.frame}`);
      } catch {
        // Not every place that a file is opened from has an address.
      }
    }, 300);
  });
}

start();
