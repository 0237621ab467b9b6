/** Filters and sorts the cards. */
const PROBLEMS_FIRST = ["failed", "refused", "unreadable", "partial", "interrupted", "running", "done"];
const ORDERS = {
  newest: (a, b) => b.started.localeCompare(a.started),
  oldest: (a, b) => a.started.localeCompare(b.started),
  name: (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }),
  state: (a, b) => PROBLEMS_FIRST.indexOf(a.state) - PROBLEMS_FIRST.indexOf(b.state),
  frames: (a, b) => b.frames - a.frames,
  seconds: (a, b) => b.seconds - a.seconds,
};

function startFilters() {
  const list = document.getElementById("cards");
  const search = document.getElementById("search");
  const order = document.getElementById("order");
  const buttons = [...document.querySelectorAll(".states button")];
  const cards = [...list.children].map((element) => ({
    element,
    ...element.dataset,
    frames: Number(element.dataset.frames),
    seconds: Number(element.dataset.seconds),
    text: `${element.dataset.name}\n${element.dataset.description}`.toLowerCase(),
  }));

  function apply() {
    const state = buttons.find((button) => button.getAttribute("aria-pressed") === "true").dataset.state;
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const card of cards) {
      const matches = (!state || card.state === state) && words.every((word) => card.text.includes(word));
      card.element.hidden = !matches;
      shown += matches;
    }
    document.getElementById("none").hidden = shown > 0;
    const jobs = cards.length === 1 ? "job" : "jobs";
    document.getElementById("count").textContent =
      shown === cards.length ? `${shown} ${jobs}` : `${shown} of ${cards.length} ${jobs}`;
    save("sessionStorage", STORAGE_KEY, { state, search: search.value, order: order.value });
  }

  function press(chosen) {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button === chosen));
  }

  function sort() {
    list.append(...cards.sort(ORDERS[order.value]).map((card) => card.element));
  }

  for (const button of buttons) {
    button.addEventListener("click", () => {
      press(button);
      apply();
    });
  }
  search.addEventListener("input", apply);
  order.addEventListener("change", () => {
    sort();
    apply();
  });

  const saved = load("sessionStorage", STORAGE_KEY);
  if (!saved) return;
  press(buttons.find((button) => button.dataset.state === saved.state) ?? buttons[0]);
  search.value = saved.search;
  order.value = saved.order;
  sort();
  apply();
}
