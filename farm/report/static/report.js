/** Puts the page together. */
const KEPT = `farm-report ${location.pathname}`;

function start() {
  const data = JSON.parse(document.getElementById("data").textContent);
  startTheme();
  if (data.frames.length === 0) {
    startHelp();
    startRefresh({ seconds: data.refresh, writtenAt: data.writtenAt, save: () => keep({}) });
    const kept = taken();
    if (kept) restorePage(kept);
    return;
  }

  const status = document.getElementById("announce");
  const announce = (text) => (status.textContent = text);
  const position = new Position(data.frames, data.count);
  const player = new Player(position, data.fps, data.rubberBand);
  startControls(position, player, data.captions, announce);
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
    reading: leavePlace(),
    open: [...document.querySelectorAll("main details[open]")].map(nameOf),
    focus: focused.id ? `#${focused.id}` : focused.matches("[data-place]") ? "[data-place][aria-current]" : "",
  });
}

/** Return what was kept for this loading of the page, once. */
function taken() {
  const kept = recall("sessionStorage", KEPT);
  remember("sessionStorage", KEPT, null);
  return kept;
}

/** Go on where a refresh left off, else at the frame that the address names, else play. */
function resume(position, player) {
  const kept = taken();
  const named = /^#frame-(\d+)$/.exec(location.hash);
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (kept) {
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
  restorePage(kept);
  if (kept.playing) player.play();
}

function restorePage(kept) {
  const open = new Set(kept.open);
  for (const details of document.querySelectorAll("main details")) {
    if (!open.has(nameOf(details))) continue;
    details.open = true;
    details.dispatchEvent(new Event("toggle")); // tables are made now, before the place is looked for
  }
  if (kept.focus) document.querySelector(kept.focus)?.focus({ preventScroll: true });
  returnTo(kept.reading);
}

function nameOf(details) {
  return details.dataset.anchor ?? details.querySelector("summary").textContent;
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
