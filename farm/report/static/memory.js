/** What the browser keeps for a page; it may refuse to, then nothing is kept. */
function recall(store, key) {
  try {
    return JSON.parse(window[store].getItem(key));
  } catch {
    return null;
  }
}

function remember(store, key, value) {
  try {
    window[store].setItem(key, JSON.stringify(value));
  } catch {
    // A private window, or storage that is full: the page works without.
  }
}
