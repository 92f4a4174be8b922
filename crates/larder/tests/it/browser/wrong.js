// What is wrong with the page as it stands, one sentence each: WCAG 2.2 AA as far as a program can see it.
const wrong = [];
const luminance = ([r, g, b]) => {
  const [x, y, z] = [r, g, b].map((one) => { const part = one / 255; return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
};
const colour = (text) => { const parts = text.match(/[\d.]+/g).map(Number); return parts.length > 3 && parts[3] === 0 ? null : parts.slice(0, 3); };
const behind = (element) => {
  for (let one = element; one; one = one.parentElement) { const found = colour(getComputedStyle(one).backgroundColor); if (found) return found; }
  return [255, 255, 255];
};
const isShown = (element) => element.checkVisibility && element.checkVisibility() && element.getClientRects().length > 0;
const seen = new Set();
for (const element of document.querySelectorAll("body *")) {
  const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== "");
  if (!hasText || !isShown(element) || element.closest("svg, option, datalist, .unseen, .skip")) continue;
  const style = getComputedStyle(element);
  const [front, back] = [luminance(colour(style.color)), luminance(behind(element))];
  const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
  const size = parseFloat(style.fontSize);
  const least = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
  const name = `${element.tagName.toLowerCase()}.${element.className}`;
  if (ratio < least && !seen.has(name)) { seen.add(name); wrong.push(`${name} has a contrast of ${ratio.toFixed(2)}`); }
}
for (const field of document.querySelectorAll("input, select, textarea")) {
  if (field.type === "hidden" || !isShown(field)) continue;
  if (field.labels.length === 0 && !field.getAttribute("aria-label")) wrong.push(`${field.name} has no label`);
  if (field.type !== "checkbox" && field.type !== "radio" && field.getBoundingClientRect().height < 24) wrong.push(`${field.name} is too small to be touched`);
}
for (const picture of document.querySelectorAll("svg")) if (!picture.getAttribute("aria-label")) wrong.push("a picture has no name");
for (const one of document.querySelectorAll("button, a")) if (one.textContent.trim() === "") wrong.push(`${one.outerHTML} says nothing`);
const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
for (const id of new Set(ids)) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push(`${id} stands twice`);
const levels = [...document.querySelectorAll("main h1, main h2, main h3, main h4")].map((one) => Number(one.tagName[1]));
levels.forEach((level, at) => { if (at > 0 && level > levels[at - 1] + 1) wrong.push(`a heading of level ${level} follows one of ${levels[at - 1]}`); });
for (const landmark of ["header", "main", "nav"]) if (!document.querySelector(landmark)) wrong.push(`there is no ${landmark}`);
if (!document.documentElement.lang) wrong.push("the language is not told");
// A phone shows a page that is too wide smaller, and calls all of it inside.
const [width, there] = [document.documentElement.scrollWidth, document.documentElement.clientWidth];
if (width > there + 1) wrong.push(`the page is ${width} wide on ${there}`);
return wrong;
