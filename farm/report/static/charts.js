/** Ties the curves to the position: a cursor and values that follow it, and a pointer that leads it. */
function startCharts(position, player, data) {
  const placeOf = new Map(data.plotted.map((frame, place) => [frame, place]));
  const figures = [...document.querySelectorAll(".chart")];

  figures.forEach((figure, number) => {
    const area = figure.querySelector(".area");
    const cursor = figure.querySelector(".cursor");
    const values = [...figure.querySelectorAll(".value")];
    const chart = data.charts[number];

    position.follow(() => {
      const across = data.count > 1 ? position.frame / (data.count - 1) : 0.5;
      cursor.style.left = `${100 * across}%`;
      const place = placeOf.get(position.frame);
      values.forEach((value, curve) => {
        value.textContent = valueText(chart.curves[curve].values[place], chart.probabilities);
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

function valueText(value, isProbability) {
  if (value === null || value === undefined) return "–";
  if (isProbability) return `${(100 * value).toFixed(value < 0.1 && value > 0 ? 1 : 0)}%`;
  return String(Number(value.toPrecision(3))).replace("-", "−");
}
