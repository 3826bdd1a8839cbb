// What the address says: #c=12&t=3 is a turn of a conversation, #agents a part of the page, #rule=EXP101 a filter.

/** The address as {position, turn}, {section} or {filters}. */
export function readRoute(hash) {
  const text = hash.replace(/^#/, "");
  if (!text.includes("=")) return { section: text };
  const params = new URLSearchParams(text);
  const position = wholeNumber(params.get("c"));
  if (position !== null) return { position, turn: wholeNumber(params.get("t")) };
  return { filters: Object.fromEntries(params) };
}

function wholeNumber(text) {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

/** The address of a conversation, and of a turn in it. */
export function conversationHash(position, turn = null) {
  return turn === null ? `#c=${position}` : `#c=${position}&t=${turn}`;
}

/** The address of filters; those that are empty are left out. */
export function filtersHash(filters) {
  const kept = Object.entries(filters).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return kept.length ? `#${new URLSearchParams(kept)}` : "#list";
}
