/** Advances the position in time. `hold` pauses it while something else moves the position. */
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

  /** Return pictures per second: at the speed of the animation, but at least ten if frames are omitted. */
  static rate(frames, fps) {
    const stride = frames.length > 1 ? (frames.at(-1) - frames[0]) / (frames.length - 1) : 1;
    return Math.min(60, Math.min(fps, Math.max(fps / stride, 10)));
  }

  play() {
    if (this.playing || this.position.last < 1) return;
    if (this.position.index === this.position.last && !this.swinging) this.position.go(0);
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
    const interval = 1000 / (this.rate * this.speed);
    const due = Math.floor((now - this.shownAt) / interval);
    if (this.held || due < 1) return;
    this.shownAt = due > 5 ? now : this.shownAt + due * interval; // a suspended tab does not catch up
    for (let step = 0; step < Math.min(due, 5); step += 1) this.advance();
  }

  advance() {
    const { index, last } = this.position;
    if (!this.swinging) {
      this.direction = 1;
      this.position.go(index === last ? 0 : index + 1);
      return;
    }
    if (index === last) this.direction = -1;
    if (index === 0) this.direction = 1;
    this.position.go(index + this.direction);
  }
}

/** Connects the controls below the picture. */
function startControls(position, player, captions, announce) {
  const byId = (id) => document.getElementById(id);
  const [scrubber, play, swing, speed, frame] = ["scrubber", "play", "swing", "speed", "frame"].map(byId);
  const screen = byId("screen");

  const caption = byId("caption");
  const updateLabels = () => {
    const description = captions[position.index];
    const text = `Frame ${position.frame} of ${position.count}${description ? `: ${description}` : ""}`;
    scrubber.setAttribute("aria-valuetext", text);
    screen.setAttribute("aria-label", text);
  };
  position.follow(() => {
    scrubber.value = position.index;
    frame.textContent = position.frame;
    if (caption) caption.textContent = captions[position.index];
    if (!player.playing) updateLabels(); // while it plays, too often for screen readers
  });
  scrubber.addEventListener("input", () => {
    player.pause();
    position.go(scrubber.valueAsNumber);
  });
  byId("back").addEventListener("click", () => {
    player.pause();
    position.go(position.index - 1);
  });
  byId("next").addEventListener("click", () => {
    player.pause();
    position.go(position.index + 1);
  });
  play.addEventListener("click", () => player.toggle());
  player.addEventListener("state", () => {
    play.setAttribute("aria-label", player.playing ? "Pause" : "Play");
    play.classList.toggle("playing", player.playing);
    updateLabels();
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
