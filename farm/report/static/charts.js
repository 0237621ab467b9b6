/** Connects the charts to the position: cursors and values follow it, and the pointer moves it. */
function startCharts(position, player, data) {
  const indexOf = new Map(data.plotted.map((frame, index) => [frame, index]));
  const figures = [...document.querySelectorAll(".chart")];

  figures.forEach((figure, number) => {
    const area = figure.querySelector(".area");
    const cursor = figure.querySelector(".cursor");
    const values = [...figure.querySelectorAll(".value")];
    const chart = data.charts[number];
    const format = formatterOf(chart);
    const width = widestValue(chart, format);
    for (const value of values) value.style.minWidth = `${width}ch`;

    position.follow(() => {
      const across = data.count > 1 ? position.frame / (data.count - 1) : 0.5;
      cursor.style.left = `${100 * across}%`;
      const index = indexOf.get(position.frame);
      values.forEach((value, number) => {
        value.textContent = format(chart.curves[chart.drawn[number]].values[index]);
      });
    });
    followPointer(area, position, player, data.count);
  });
}

/** Show the frame under the pointer in `area`: on moving a mouse, or dragging a finger. */
function followPointer(area, position, player, count) {
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

/** Return the width of a chart's longest value, in digits: reserved, so that the legend never wraps differently. */
function widestValue(chart, format) {
  const lengths = chart.drawn.flatMap((curve) => chart.curves[curve].values.map((value) => format(value).length));
  return lengths.reduce((one, other) => Math.max(one, other), 0) + (chart.probabilities ? 1 : 0); // % is wide
}

/** Return a formatter for a chart's values, all with the decimals that give the largest one three significant digits. */
function formatterOf(chart) {
  const sizes = chart.curves.flatMap((curve) => curve.values.map((value) => Math.abs(value ?? 0)));
  const largest = sizes.reduce((one, other) => Math.max(one, other), 0);
  const decimals = largest > 0 ? Math.min(Math.max(2 - Math.floor(Math.log10(largest)), 0), 12) : 0;
  return (value) => {
    if (value === null || value === undefined) return "–";
    if (chart.probabilities) return `${(100 * value).toFixed(1)}%`;
    return value.toFixed(decimals).replace("-", "−");
  };
}
