// The list of conversations: search, filters, sorting, pages of fifty. The address carries all of it.
import { byId, capital, el, fill, ruleLine, spaced, whole } from "./dom.js";
import { SCORE_NAMES, meta, symbolOf } from "./data.js";
import { conversationHash, filtersHash } from "./route.js";
import { meter } from "./ledger.js";
import { onVerdicts, verdictOn } from "./verdicts.js";

const PAGE = 50;
const DELAY = 150;
const COLUMNS = [["id", "Conversation"], ...SCORE_NAMES.map((name, i) => [`s${i}`, capital(spaced(name))]), ["hurts", "Deflections"]];
const EXTRA_SORTS = [["position", "Input order"]];
const FIRST_UP = new Set(["id", "position", "s0", "s1", "s2", "s3", "s4"]);
const collator = new Intl.Collator("en", { numeric: true });

const list = { data: null, found: [], haystack: null, filters: {}, page: 0 };

/** Take the columns and show the list. */
export function setUpList(data) {
  list.data = data;
  fillOptions();
  fillHead();
  const form = byId("filters");
  let timer = 0;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => change(readForm()), DELAY);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => change({}), 0));
  onVerdicts(() => {
    if (!byId("overview").hidden) refresh();
    else list.stale = true;
  });
  refresh();
}

/** Show the list with filters from the address. */
export function applyFilters({ page, ...filters }) {
  list.filters = filters;
  list.page = Math.max(0, Number(page ?? 1) - 1 || 0);
  writeForm();
  refresh();
}

/** Show the list again where verdicts have changed since. */
export function refreshIfStale() {
  if (list.stale) refresh();
}

/** The row of a position, or -1. */
export const rowOf = (position) => list.data.p.indexOf(position);

/** The rows before and after one in the list as it is filtered and sorted; -1 where there is none. */
export function neighbours(row) {
  const at = list.found.indexOf(row);
  return { before: at > 0 ? list.found[at - 1] : -1, after: at >= 0 && at + 1 < list.found.length ? list.found[at + 1] : -1, at, of: list.found.length };
}

function change(filters) {
  list.filters = filters;
  list.page = 0;
  keepAddress();
  refresh();
}

function keepAddress() {
  const page = list.page ? String(list.page + 1) : "";
  history.replaceState(history.state, "", filtersHash({ ...list.filters, page }));
}

function fillOptions() {
  const add = (name, options) => byId("filters").elements[name].append(...options.map(([value, text]) => el("option", { value }, text)));
  const numbered = (names) => names.map((name, i) => [String(i), name]);
  add("agent", numbered(meta.agents));
  add("channel", numbered(meta.channels));
  add("rule", meta.rules.map((rule) => [rule.code, `${ruleLine(rule.name)} (${rule.code})`]));
  add("cue", meta.cues.map((cue) => [cue.cue, spaced(cue.cue)]));
  add("dim", SCORE_NAMES.slice(1).map((name, i) => [String(i + 1), spaced(name)]));
  for (const [key, text] of [...EXTRA_SORTS, ...COLUMNS]) {
    const [low, high] = key === "id" ? ["A to Z", "Z to A"] : key === "position" ? ["first to last", "last to first"] : ["lowest first", "highest first"];
    add("sort", [[key === "position" ? "" : `${key}:up`, `${text}, ${low}`], [`${key}:down`, `${text}, ${high}`]]);
  }
  for (const [name, values] of [["agent", meta.agents], ["channel", meta.channels]]) {
    if (!values.length) byId("filters").elements[name].closest(".field").hidden = true;
  }
}

function fillHead() {
  const cells = COLUMNS.map(([key, text], i) =>
    el("th", { scope: "col", class: i ? "number" : "", "data-key": key }, el("button", { type: "button", onclick: () => sortBy(key) }, text)),
  );
  fill(byId("rows").tHead.rows[0], cells);
}

function sortBy(key) {
  const [now, way] = (list.filters.sort ?? "").split(":");
  const first = FIRST_UP.has(key) ? "up" : "down";
  const next = now === key ? (way === "up" ? "down" : "up") : first;
  change({ ...list.filters, sort: `${key}:${next}` });
  writeForm();
}

function readForm() {
  const filters = Object.fromEntries(new FormData(byId("filters")));
  if (filters.dim === "0" || (filters.lo === "" && filters.hi === "")) delete filters.dim;
  return filters;
}

function writeForm() {
  for (const field of byId("filters").elements) {
    if (!field.name) continue;
    field.value = list.filters[field.name] ?? (field.name === "dim" ? "0" : "");
    if (field.selectedIndex === -1) field.value = field.name === "dim" ? "0" : "";
  }
}

/** What is searched: id, agents and flagged words, in lower case; made when the first search asks for it. */
function haystack() {
  list.haystack ??= list.data.i.map((id, row) => [id, ...list.data.a[row].map((a) => meta.agents[a]), list.data.q[row]].join("\n").toLowerCase());
  return list.haystack;
}

function matching() {
  const { data, filters } = list;
  const tests = [];
  if (filters.q?.trim()) {
    const words = filters.q.toLowerCase().split(/\s+/).filter(Boolean);
    const hay = haystack();
    tests.push((row) => words.every((word) => hay[row].includes(word)));
  }
  if (filters.agent) tests.push((row) => data.a[row].includes(Number(filters.agent)));
  if (filters.channel) tests.push((row) => data.c[row] === Number(filters.channel));
  const rule = meta.rules.findIndex((one) => one.code === filters.rule);
  if (filters.rule) tests.push((row) => rule >= 0 && data.m[row].includes(symbolOf(rule)));
  const cue = meta.cues.findIndex((one) => one.cue === filters.cue);
  if (filters.cue) tests.push((row) => cue >= 0 && data.k[row].includes(symbolOf(cue)));
  if (filters.lo || filters.hi) tests.push(scoreTest(data, filters));
  if (filters.rev) tests.push((row) => (verdictOn(data.p[row]) !== null) === (filters.rev === "yes"));
  const rows = data.p.map((_, row) => row);
  return tests.length ? rows.filter((row) => tests.every((test) => test(row))) : rows;
}

function scoreTest(data, filters) {
  const column = data.s[Number(filters.dim) || 0] ?? data.s[0];
  const low = filters.lo ? Number(filters.lo) * 10 : -Infinity;
  const high = filters.hi ? Number(filters.hi) * 10 : Infinity;
  return (row) => column[row] !== null && column[row] >= low && column[row] <= high;
}

function sorted(rows) {
  const { data } = list;
  const [key, way] = (list.filters.sort ?? "").split(":");
  const up = way !== "down" ? 1 : -1;
  const number = key === "hurts" ? data.h : /^s[0-4]$/.test(key) ? data.s[Number(key[1])] : null;
  if (key === "position") return up > 0 ? rows : rows.reverse();
  if (key === "id") return rows.sort((a, b) => up * collator.compare(data.i[a], data.i[b]) || a - b);
  if (!number) return rows;
  const none = (row) => (number[row] === null ? 1 : 0);
  return rows.sort((a, b) => none(a) - none(b) || up * (number[a] - number[b]) || a - b);
}

function refresh() {
  list.stale = false;
  list.found = sorted(matching());
  const pages = Math.max(1, Math.ceil(list.found.length / PAGE));
  list.page = Math.min(list.page, pages - 1);
  const shown = list.found.slice(list.page * PAGE, (list.page + 1) * PAGE);
  fill(byId("rows").tBodies[0], shown.map(rowElement));
  byId("rows").hidden = shown.length === 0;
  byId("count").textContent = countLine(shown.length);
  const [key, way] = (list.filters.sort ?? "").split(":");
  for (const cell of byId("rows").tHead.rows[0].cells) {
    if (cell.dataset.key === key) cell.setAttribute("aria-sort", way === "up" ? "ascending" : "descending");
    else cell.removeAttribute("aria-sort");
  }
  fill(byId("pages"), pages > 1 && pageButtons(pages));
}

function countLine(shown) {
  const all = list.data.p.length;
  const n = list.found.length;
  if (n === 0) return "No conversation is like that. Clear a filter to see more.";
  const from = list.page * PAGE + 1;
  const which = n > PAGE ? `, ${from} to ${from + shown - 1} shown` : "";
  return n === all ? `${all.toLocaleString("en")} conversation${all === 1 ? "" : "s"}${which}` : `${n.toLocaleString("en")} of ${all.toLocaleString("en")} conversations${which}`;
}

function pageButtons(pages) {
  const go = (page) => {
    list.page = page;
    keepAddress();
    refresh();
    byId("list").scrollIntoView();
    byId("count").focus({ preventScroll: true });
  };
  return [
    el("button", { type: "button", class: "quiet", disabled: list.page === 0, onclick: () => go(list.page - 1) }, "Previous"),
    el("span", {}, `Page ${list.page + 1} of ${pages}`),
    el("button", { type: "button", class: "quiet", disabled: list.page + 1 >= pages, onclick: () => go(list.page + 1) }, "Next"),
  ];
}

function rowElement(row) {
  const { data } = list;
  const about = [...data.a[row].map((agent) => meta.agents[agent]), meta.channels[data.c[row]]].filter(Boolean).join(", ");
  return el(
    "tr",
    {},
    el(
      "th",
      { scope: "row" },
      el("a", { class: "open", href: conversationHash(data.p[row]) }, data.i[row]),
      about && el("span", { class: "who-where" }, ` ${about} `),
      verdictOn(data.p[row]) && el("span", { class: "badge" }, "reviewed"),
      el("span", { class: "teaser", dir: "auto" }, data.q[row]),
    ),
    SCORE_NAMES.map((_, i) => el("td", { class: i ? "number dimension" : "number" }, whole(data.s[i][row]), meter(data.s[i][row]))),
    el("td", { class: "number dimension" }, String(data.h[row])),
  );
}
