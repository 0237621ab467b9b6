/** Draws the current picture, taken from the contact sheet. */
function startScreen(position) {
  const canvas = document.getElementById("screen");
  const context = canvas.getContext("2d");
  const images = [...document.querySelectorAll("[data-cell] img")].map((thumbnail) => {
    const image = new Image();
    image.src = thumbnail.src;
    return image;
  });

  function draw(image) {
    if (canvas.width !== image.naturalWidth || canvas.height !== image.naturalHeight) {
      canvas.width = image.naturalWidth;
      canvas.height = image.naturalHeight;
    }
    context.drawImage(image, 0, 0);
    canvas.dataset.frame = position.frame;
  }

  position.follow(() => {
    const image = images[position.index];
    if (image.complete) {
      draw(image);
      return;
    }
    image.addEventListener("load", () => image === images[position.index] && draw(image), { once: true });
  });
}
