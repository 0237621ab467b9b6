/** Starts the page of a job. */
const STORAGE_KEY = `farm-report ${location.pathname}`;

function start() {
  const data = JSON.parse(document.getElementById("data").textContent);
  startTheme();
  if (data.frames.length === 0) {
    startHelp();
    startRefresh({ seconds: data.refresh, writtenAt: data.writtenAt, beforeReload: () => saveState({}) });
    const saved = takeState();
    if (saved) restorePage(saved);
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
    beforeReload: () =>
      saveState({ frame: position.frame, playing: player.playing, speed: player.speed, swinging: player.swinging }),
  });
  resume(position, player);
  startUrl(position, player);
}

function saveState(state) {
  const focused = document.activeElement;
  save("sessionStorage", STORAGE_KEY, {
    ...state,
    reading: scrollPosition(),
    open: [...document.querySelectorAll("main details[open]")].map(nameOf),
    focus: focused.id ? `#${focused.id}` : focused.matches("[data-cell]") ? "[data-cell][aria-current]" : "",
  });
}

/** Return the state saved for this load of the page, and delete it. */
function takeState() {
  const saved = load("sessionStorage", STORAGE_KEY);
  save("sessionStorage", STORAGE_KEY, null);
  return saved;
}

/** Restore the state before a reload; without one, show the frame in the URL, or else play. */
function resume(position, player) {
  const saved = takeState();
  const fragment = /^#frame-(\d+)$/.exec(location.hash);
  const reducedMotion = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (saved) {
    restore(saved, position, player);
  } else if (fragment) {
    position.goToFrame(Number(fragment[1]));
  } else if (!reducedMotion) {
    player.play();
  }
}

function restore(saved, position, player) {
  if (saved.frame !== undefined) position.goToFrame(saved.frame);
  const speed = document.getElementById("speed");
  speed.value = String(saved.speed ?? 1);
  speed.dispatchEvent(new Event("change"));
  if ((saved.swinging ?? player.swinging) !== player.swinging) document.getElementById("swing").click();
  restorePage(saved);
  if (saved.playing) player.play();
}

function restorePage(saved) {
  const open = new Set(saved.open);
  for (const details of document.querySelectorAll("main details")) {
    if (!open.has(nameOf(details))) continue;
    details.open = true;
    details.dispatchEvent(new Event("toggle")); // builds its table before the scroll position is restored
  }
  if (saved.focus) document.querySelector(saved.focus)?.focus({ preventScroll: true });
  restoreScroll(saved.reading);
}

function nameOf(details) {
  return details.dataset.anchor ?? details.querySelector("summary").textContent;
}

/** Keeps the current frame in the URL, so that a link to it can be shared. */
function startUrl(position, player) {
  let timer = 0;
  position.addEventListener("change", () => {
    clearTimeout(timer);
    if (player.playing) return;
    timer = setTimeout(() => {
      try {
        history.replaceState(null, "", `#frame-${position.frame}`);
      } catch {
        // Some viewers show files without a URL that can change.
      }
    }, 300);
  });
}

start();
