/** Moves the position in time. `hold` stops it for as long as something else moves it. */
class Player extends EventTarget {
  constructor(position, fps, swinging) {
    super();
    this.position = position;
    this.rate = Player.rate(position.frames, fps);
    this.speed = 1;
    this.swinging = swinging;
    this.playing = false;
    this.held = false;
    this.direction = 1;
    this.shownAt = 0;
    this.tick = this.tick.bind(this);
  }

  /** Pictures a second: the animation's own time, but where frames were left out no slower than ten. */
  static rate(frames, fps) {
    const stride = frames.length > 1 ? (frames.at(-1) - frames[0]) / (frames.length - 1) : 1;
    return Math.min(60, Math.min(fps, Math.max(fps / stride, 10)));
  }

  play() {
    if (this.playing || this.position.last < 1) return;
    if (this.position.place === this.position.last && !this.swinging) this.position.go(0);
    this.playing = true;
    this.shownAt = performance.now();
    requestAnimationFrame(this.tick);
    this.dispatchEvent(new Event("state"));
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.dispatchEvent(new Event("state"));
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  hold(held) {
    this.held = held;
    this.shownAt = performance.now();
  }

  tick(now) {
    if (!this.playing) return;
    requestAnimationFrame(this.tick);
    const each = 1000 / (this.rate * this.speed);
    const due = Math.floor((now - this.shownAt) / each);
    if (this.held || due < 1) return;
    this.shownAt = due > 5 ? now : this.shownAt + due * each; // a tab that slept does not catch up
    for (let step = 0; step < Math.min(due, 5); step += 1) this.advance();
  }

  advance() {
    const { place, last } = this.position;
    if (!this.swinging) {
      this.direction = 1;
      this.position.go(place === last ? 0 : place + 1);
      return;
    }
    if (place === last) this.direction = -1;
    if (place === 0) this.direction = 1;
    this.position.go(place + this.direction);
  }
}

/** The buttons under the picture. */
function startControls(position, player, captions, announce) {
  const byId = (id) => document.getElementById(id);
  const [scrubber, play, swing, speed, frame] = ["scrubber", "play", "swing", "speed", "frame"].map(byId);
  const screen = byId("screen");

  const caption = byId("caption");
  const tell = () => {
    const said = captions[position.place];
    const text = `Frame ${position.frame} of ${position.count}${said ? `: ${said}` : ""}`;
    scrubber.setAttribute("aria-valuetext", text);
    screen.setAttribute("aria-label", text);
  };
  position.follow(() => {
    scrubber.value = position.place;
    frame.textContent = position.frame;
    if (caption) caption.textContent = captions[position.place];
    if (!player.playing) tell(); // many times a second is nothing to be read out
  });
  scrubber.addEventListener("input", () => {
    player.pause();
    position.go(scrubber.valueAsNumber);
  });
  byId("back").addEventListener("click", () => {
    player.pause();
    position.go(position.place - 1);
  });
  byId("on").addEventListener("click", () => {
    player.pause();
    position.go(position.place + 1);
  });
  play.addEventListener("click", () => player.toggle());
  player.addEventListener("state", () => {
    play.setAttribute("aria-label", player.playing ? "Pause" : "Play");
    play.classList.toggle("playing", player.playing);
    tell();
    announce(player.playing ? "Playing" : `Paused at frame ${position.frame}`);
  });
  swing.addEventListener("click", () => {
    player.swinging = !player.swinging;
    swing.setAttribute("aria-pressed", String(player.swinging));
  });
  speed.addEventListener("change", () => {
    player.speed = Number(speed.value);
  });
}
