/** Ties the curves to the position: a cursor and values that follow it, and a pointer that leads it. */
function startCharts(position, player, data) {
  const placeOf = new Map(data.plotted.map((frame, place) => [frame, place]));
  const figures = [...document.querySelectorAll(".chart")];

  figures.forEach((figure, number) => {
    const area = figure.querySelector(".area");
    const cursor = figure.querySelector(".cursor");
    const values = [...figure.querySelectorAll(".value")];
    const chart = data.charts[number];
    const written = writerOf(chart);
    const room = widest(chart, written);
    for (const value of values) value.style.minWidth = `${room}ch`;

    position.follow(() => {
      const across = data.count > 1 ? position.frame / (data.count - 1) : 0.5;
      cursor.style.left = `${100 * across}%`;
      const place = placeOf.get(position.frame);
      values.forEach((value, number) => {
        value.textContent = written(chart.curves[chart.drawn[number]].values[place]);
      });
    });
    lead(area, position, player, data.count);
  });
}

/** Let a pointer over `area` choose the frame: a mouse by moving, a finger by dragging. */
function lead(area, position, player, count) {
  const show = (event) => {
    const box = area.getBoundingClientRect();
    position.goToFrame(Math.round(((event.clientX - box.left) / box.width) * (count - 1)));
  };
  area.addEventListener("pointerdown", (event) => {
    area.setPointerCapture(event.pointerId);
    player.hold(true);
    show(event);
  });
  area.addEventListener("pointermove", (event) => {
    player.hold(true);
    show(event);
  });
  for (const end of ["pointerleave", "pointercancel"]) {
    area.addEventListener(end, () => player.hold(false));
  }
}

/** Return the width of the longest number of a chart, in digits: with room kept for it a legend never wraps anew. */
function widest(chart, written) {
  const lengths = chart.drawn.flatMap((curve) => chart.curves[curve].values.map((value) => written(value).length));
  return lengths.reduce((one, other) => Math.max(one, other), 0) + (chart.probabilities ? 1 : 0); // % is wide
}

/** Return what writes a chart's values: all with as many decimals as tell its largest to three digits, so they do not jump. */
function writerOf(chart) {
  const sizes = chart.curves.flatMap((curve) => curve.values.map((value) => Math.abs(value ?? 0)));
  const most = sizes.reduce((one, other) => Math.max(one, other), 0);
  const decimals = most > 0 ? Math.min(Math.max(2 - Math.floor(Math.log10(most)), 0), 12) : 0;
  return (value) => {
    if (value === null || value === undefined) return "–";
    if (chart.probabilities) return `${(100 * value).toFixed(1)}%`;
    return value.toFixed(decimals).replace("-", "−");
  };
}
