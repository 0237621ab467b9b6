/** The index of the current picture. `follow` observes it, `go` and `goToFrame` change it. */
class Position extends EventTarget {
  constructor(frames, count) {
    super();
    this.frames = frames;
    this.count = count;
    this.index = 0;
  }

  get frame() {
    return this.frames[this.index];
  }

  get last() {
    return this.frames.length - 1;
  }

  /** Show the picture at an index, limited to the first and the last. */
  go(index) {
    const inside = Math.max(0, Math.min(this.last, index));
    if (inside === this.index) return;
    this.index = inside;
    this.dispatchEvent(new Event("change"));
  }

  /** Show a frame, or the nearest one with a picture. */
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

  /** Call `listener` now and on every change. */
  follow(listener) {
    this.addEventListener("change", listener);
    listener();
  }
}
