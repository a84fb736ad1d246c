// What each frame's page does: what overflows, what is hard to read, what it asked for.
const channels = (color) => color.match(/[\d.]+/g).map(Number);
const linear = (value) => { value /= 255; return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; };
const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
function background(element) {
  for (; element; element = element.parentElement) {
    const [r, g, b, a = 1] = channels(getComputedStyle(element).backgroundColor);
    if (a > 0.99) return [r, g, b];
  }
  return [255, 255, 255];
}
function look(frame) {
  const inside = frame.contentDocument, root = inside.documentElement, width = root.clientWidth;
  for (const details of inside.querySelectorAll("details")) details.open = true;
  const name = (element) => `${element.tagName}.${element.className} ${element.textContent.slice(0, 60)}`;
  const overflow = [], faint = new Set();
  let texts = 0;
  if (root.scrollWidth > width) overflow.push(`the page: ${root.scrollWidth}`);
  for (const element of inside.body.querySelectorAll("*")) {
    const box = element.getBoundingClientRect();
    if (box.width && (box.right > width + 1 || box.left < -1) && !element.closest(".scroll, svg")) overflow.push(name(element));
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !box.width || element.closest("svg")) continue;
    texts += 1;
    const style = getComputedStyle(element);
    const [one, two] = [luminance(channels(style.color)), luminance(background(element))];
    const contrast = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    if (contrast < 4.5) faint.add(`${contrast.toFixed(2)}: ${name(element)}`);
  }
  const requests = frame.contentWindow.performance.getEntriesByType("resource").map((entry) => entry.name);
  return { page: frame.dataset.page, width: Number(frame.dataset.width), overflow: overflow.slice(0, 5), faint: [...faint].slice(0, 5), requests, texts };
}
addEventListener("load", () => {
  document.getElementById("seen").textContent = JSON.stringify([...document.querySelectorAll("iframe")].map(look));
});
