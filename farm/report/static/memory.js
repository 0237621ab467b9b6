/** Values in the browser's storage for a page. If the browser refuses to store, nothing is saved. */
function load(store, key) {
  try {
    return JSON.parse(window[store].getItem(key));
  } catch {
    return null;
  }
}

function save(store, key, value) {
  try {
    window[store].setItem(key, JSON.stringify(value));
  } catch {
    // In a private window, or with full storage, the page works without saved values.
  }
}
