/** Draws the picture of the position, from the pictures of the contact sheet. */
function startScreen(position) {
  const canvas = document.getElementById("screen");
  const context = canvas.getContext("2d");
  const images = [...document.querySelectorAll("[data-place] img")].map((thumbnail) => {
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
    const image = images[position.place];
    if (image.complete) {
      draw(image);
      return;
    }
    image.addEventListener("load", () => image === images[position.place] && draw(image), { once: true });
  });
}
