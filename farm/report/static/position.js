/** Which of the pictures is shown. Whoever wants to know listens; whoever wants another calls `go`. */
class Position extends EventTarget {
  constructor(frames, count) {
    super();
    this.frames = frames;
    this.count = count;
    this.place = 0;
  }

  get frame() {
    return this.frames[this.place];
  }

  get last() {
    return this.frames.length - 1;
  }

  /** Show the picture at a place; one beyond the ends is the one at the end. */
  go(place) {
    const inside = Math.max(0, Math.min(this.last, place));
    if (inside === this.place) return;
    this.place = inside;
    this.dispatchEvent(new Event("change"));
  }

  /** Show a frame, or the nearest that has a picture. */
  goToFrame(frame) {
    this.go(this.nearest(frame));
  }

  nearest(frame) {
    let low = 0;
    let high = this.last;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.frames[middle] < frame) low = middle + 1;
      else high = middle;
    }
    const before = this.frames[low - 1];
    return low > 0 && frame - before <= this.frames[low] - frame ? low - 1 : low;
  }

  /** Call `listener` now and at every change. */
  follow(listener) {
    this.addEventListener("change", listener);
    listener();
  }
}
