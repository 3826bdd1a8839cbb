// The page's data: what is explained, the list, and conversations in blocks that are unpacked when they are opened.
import { byId } from "./dom.js";

export const meta = JSON.parse(byId("meta").textContent);

export const SCORE_NAMES = ["overall", "common_sense", "flexibility", "problem_solving", "recovery"];
export const OUTCOME_NAMES = ["met", "missed", "not_applicable", "undetermined"];
export const STATUS_NAMES = ["plain", "softened", "excused"];
export const SPEAKERS = { a: "agent", c: "customer", b: "bot", s: "system", u: "unknown" };

const MOST_UNPACKED = 6;
const unpacked = new Map();

/** The character that stands for the index of a rule or a cue in the list's columns. */
export const symbolOf = (index) => String.fromCharCode(index < 44 ? 0x30 + index : 0x5d + index - 44);

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;,=>?@^_`{|}~";

/** The bytes of base 85: five characters for four bytes. */
function bytesOf(text) {
  const values = new Uint8Array(128);
  for (let i = 0; i < DIGITS.length; i += 1) values[DIGITS.charCodeAt(i)] = i;
  const bytes = new DataView(new ArrayBuffer((text.length / 5) * 4));
  for (let i = 0, at = 0; i < text.length; i += 5, at += 4) {
    let word = 0;
    for (let j = i; j < i + 5; j += 1) word = word * 85 + values[text.charCodeAt(j)];
    bytes.setUint32(at, word);
  }
  return bytes;
}

/** The JSON value of a block: base 85, deflated; what pads it after the end of the stream is cut away. */
async function unpack(id) {
  const text = byId(id).textContent;
  const padding = Number(text.at(-1));
  const bytes = bytesOf(text.slice(0, -1));
  const whole = new Uint8Array(bytes.buffer, 0, bytes.byteLength - padding);
  const stream = new Blob([whole]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
}

/** The columns of the list. */
export const loadListing = () => unpack("listing");

/** A chunk: transcripts and facts of some conversations. The last few stay unpacked. */
function loadChunk(number) {
  let chunk = unpacked.get(number);
  unpacked.delete(number);
  chunk ??= unpack(`b${number}`);
  unpacked.set(number, chunk);
  if (unpacked.size > MOST_UNPACKED) unpacked.delete(unpacked.keys().next().value);
  return chunk;
}

/** One conversation as an object with names, or null where it isn't in the file. */
export async function loadConversation(listing, row) {
  if (row < 0 || listing.b[row] < 0) return null;
  const [talks, facts] = await loadChunk(listing.b[row]);
  const at = facts.findIndex((fact) => fact.p === listing.p[row]);
  if (at < 0) return null;
  return readable(talks[at], facts[at], listing, row);
}

/** The codes of a block turned into names. */
function readable(talk, fact, listing, row) {
  const cues = rowsOf(fact.k).map(([cue, turn, start, length, status, reason, sure], number) => ({
    number,
    ...meta.cues[cue],
    turn,
    start,
    end: start + length,
    status: STATUS_NAMES[status],
    reason: reason || "",
    sure,
  }));
  return {
    position: fact.p,
    id: fact.i,
    digest: fact.d,
    notes: fact.n,
    scores: fact.t,
    coverage: fact.v,
    agents: listing.a[row].map((index) => meta.agents[index]),
    channel: meta.channels[listing.c[row]] ?? null,
    turns: talk.map(([speaker, name, kind, start, text]) => ({
      speaker: SPEAKERS[speaker] ?? "unknown",
      name: name || "",
      kind: kind || "message",
      start,
      text,
    })),
    cues,
    findings: rowsOf(fact.f).map(([rule, outcome, points, of, weight, credit, spans, searched, explanation, critical]) => ({
      ...meta.rules[rule],
      outcome: OUTCOME_NAMES[outcome],
      points,
      of,
      weight,
      credit,
      spans: spans.map((place) => (typeof place === "number" ? cues[place] : { turn: place[0], start: place[1], end: place[2] })),
      searched,
      explanation,
      critical: Boolean(critical),
    })),
    overall: fact.o.map(([item, kind, weight, credit, points]) => ({ item, kind, weight, credit, points })),
  };
}

/** Columns as rows. */
function rowsOf(columns) {
  return columns.length ? columns[0].map((_, row) => columns.map((column) => column[row])) : [];
}
