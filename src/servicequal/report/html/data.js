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

/** The JSON value of a block: base64, deflated. */
async function unpack(id) {
  const raw = atob(byId(id).textContent.trim());
  const bytes = Uint8Array.from(raw, (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
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
    cues: fact.k.map(([cue, turn, start, end, status, reason, sure], number) => ({
      number,
      ...meta.cues[cue],
      turn,
      start,
      end,
      status: STATUS_NAMES[status],
      reason: reason || "",
      sure,
    })),
    findings: fact.f.map(([rule, outcome, points, of, weight, credit, spans, searched, explanation, critical]) => ({
      ...meta.rules[rule],
      outcome: OUTCOME_NAMES[outcome],
      points,
      of,
      weight,
      credit,
      spans: triples(spans),
      searched,
      explanation,
      critical: Boolean(critical),
    })),
    overall: fact.o.map(([item, kind, weight, credit, points]) => ({ item, kind, weight, credit, points })),
  };
}

function triples(flat) {
  const spans = [];
  for (let i = 0; i < flat.length; i += 3) spans.push({ turn: flat[i], start: flat[i + 1], end: flat[i + 2] });
  return spans;
}
