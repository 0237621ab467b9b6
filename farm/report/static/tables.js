/** Shows each chart as a table, built when it is opened. */
function startTables(data) {
  for (const details of document.querySelectorAll(".values")) {
    details.addEventListener("toggle", () => {
      if (!details.open || details.querySelector("table")) return;
      details.append(tableOf(data.charts[Number(details.dataset.chart)], data.plotted, details));
    });
  }
}

function tableOf(chart, frames, details) {
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const text of ["Frame", ...chart.curves.map((curve) => curve.label)]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.dir = "auto";
    cell.textContent = text;
    head.append(cell);
  }
  const format = formatterOf(chart);
  const body = table.createTBody();
  frames.forEach((frame, index) => {
    const row = body.insertRow();
    const name = document.createElement("th");
    name.scope = "row";
    name.textContent = frame;
    row.append(name);
    for (const curve of chart.curves) {
      row.insertCell().textContent = format(curve.values[index]);
    }
  });
  const scroll = document.createElement("div");
  scroll.className = "scroll tall";
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "group");
  scroll.setAttribute("aria-label", details.querySelector("summary").textContent);
  scroll.append(table);
  return scroll;
}
