// Elements from plain values. All text goes in as text: nothing here, or anywhere on the page, parses HTML.

/** An element with attributes; children are elements, strings, or nothing (null, false). */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  append(node, children);
  return node;
}

/** Add children to an element; strings become text. */
export function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) node.append(child);
  }
}

/** Put children in the place of what an element holds. */
export function fill(node, ...children) {
  node.replaceChildren();
  append(node, children);
}

export const byId = (id) => document.getElementById(id);

/** Tell a screen reader. */
export function announce(text) {
  byId("said").textContent = text;
}

/** A name of the library as people write it. */
export const spaced = (name) => name.replaceAll("_", " ");

/** The first letter as a capital. */
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** A rule's name as a line. */
export const ruleLine = (name) => capital(name.slice(name.lastIndexOf(".") + 1).replaceAll("-", " "));

/** Tenths as a whole score, a dash where there is none. */
export const whole = (tenths) => (tenths === null ? "–" : String(Math.floor(tenths / 10 + 0.5)));

/** Tenths with their decimal, with a true minus sign. */
export const decimal = (tenths) => (tenths / 10).toFixed(1).replace("-", "−");

/** Seconds as minutes and seconds. */
export function clock(seconds) {
  const rest = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(rest / 60) % 60, rest % 60].map((n) => String(n).padStart(2, "0"));
  return rest < 3600 ? `${Math.floor(rest / 60)}:${parts[1]}` : `${Math.floor(rest / 3600)}:${parts.join(":")}`;
}
