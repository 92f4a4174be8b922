// The share of two pictures, as base64, in which they differ so that an eye would notice.
const [one, other, done] = arguments;
const NOTICEABLE = 40;
const pixels = async (text) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const canvas = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
  canvas.drawImage(picture, 0, 0);
  return canvas.getImageData(0, 0, picture.width, picture.height);
};
Promise.all([pixels(one), pixels(other)]).then(([left, right]) => {
  if (left.width !== right.width || left.height !== right.height) {
    return done(1);
  }
  let differing = 0;
  for (let at = 0; at < left.data.length; at += 4) {
    const apart = [0, 1, 2].map((channel) => Math.abs(left.data[at + channel] - right.data[at + channel]));
    differing += Math.max(...apart) > NOTICEABLE ? 1 : 0;
  }
  return done((differing * 4) / left.data.length);
}, (error) => done(String(error)));
