// What the reviewer says, kept in this browser and saved as a file on request. See servicequal/verdicts.py for the layout.
import { meta } from "./data.js";

export const SCHEMA = "servicequal-verdicts/1";
export const GRADE_NAMES = ["common_sense", "flexibility", "problem_solving", "recovery", "overall"];
const UNNAMED = "unnamed";
const STORE = `servicequal-verdicts:${meta.key}`;
const MOST_FILE_BYTES = 64 * 1024 * 1024;

const kept = { reviewer: "", of: {} };
let storing = true;
const listeners = [];

/** Reviewers by a key that no name can make a special one ("__proto__"). */
const slot = (name) => `:${name}`;

/** Call back whenever a verdict changes. */
export const onVerdicts = (listener) => listeners.push(listener);

/** Whether the browser keeps verdicts; some don't for files opened from disk. */
export const isStored = () => storing;

export const reviewer = () => kept.reviewer;

/** Read what an earlier visit left. */
export function restoreVerdicts() {
  try {
    const text = localStorage.getItem(STORE);
    if (text) {
      const { reviewer: name, of } = JSON.parse(text);
      kept.reviewer = typeof name === "string" ? name : "";
      if (of && typeof of === "object") kept.of = of;
    }
  } catch {
    storing = false;
  }
}

function changed() {
  try {
    localStorage.setItem(STORE, JSON.stringify(kept));
  } catch {
    storing = false;
  }
  for (const listener of listeners) listener();
}

/** Name the reviewer. What was said before anybody had a name goes along; another name begins its own verdicts. */
export function nameReviewer(name) {
  const before = kept.reviewer;
  kept.reviewer = name.trim();
  const nameless = kept.of[slot("")];
  if (before === "" && kept.reviewer && nameless) {
    kept.of[slot(kept.reviewer)] = { ...nameless, ...kept.of[slot(kept.reviewer)] };
    delete kept.of[slot("")];
  }
  changed();
}

/** The verdict on a conversation, or null. */
export const verdictOn = (position) => kept.of[slot(kept.reviewer)]?.[position] ?? null;

/** How many conversations the reviewer has said something about. */
export const countVerdicts = () => Object.keys(kept.of[slot(kept.reviewer)] ?? {}).length;

/** Change the verdict on a conversation; one that says nothing any more goes. */
export function judge(conversation, change) {
  const mine = (kept.of[slot(kept.reviewer)] ??= {});
  const verdict = mine[conversation.position] ?? {
    conversation_id: conversation.id,
    digest: conversation.digest,
    complete: false,
    comment: "",
    findings: [],
    cues: [],
    missed: [],
    grades: {},
    seen: [],
  };
  change(verdict);
  if (saysNothing(verdict)) delete mine[conversation.position];
  else mine[conversation.position] = verdict;
  changed();
}

function saysNothing(verdict) {
  const lists = [verdict.findings, verdict.cues, verdict.missed, Object.keys(verdict.grades)];
  return !verdict.complete && !verdict.comment && lists.every((list) => list.length === 0);
}

const samePlace = (a, b) => a.cue === b.cue && a.turn === b.turn && a.start === b.start && a.end === b.end;

/** The verdict on a cue, or undefined. */
export const onCue = (position, cue) => verdictOn(position)?.cues.find((said) => samePlace(said, cue));

/** The verdict on a finding, or undefined. */
export const onFinding = (position, code) => verdictOn(position)?.findings.find((said) => said.code === code);

/** Say of a cue that it is right ("agree"), or what it should be instead; null takes it back. */
export function judgeCue(conversation, cue, answer) {
  judge(conversation, (verdict) => {
    verdict.cues = verdict.cues.filter((said) => !samePlace(said, cue));
    if (answer !== null) verdict.cues.push(cueVerdict(conversation, cue, answer));
  });
}

function cueVerdict(conversation, cue, answer) {
  return {
    cue: cue.cue,
    turn: cue.turn,
    start: cue.start,
    end: cue.end,
    text: Array.from(conversation.turns[cue.turn]?.text ?? "").slice(cue.start, cue.end).join(""),
    status: cue.status,
    agree: answer === "agree",
    instead: answer === "agree" ? null : answer,
  };
}

/** Say of a finding whether it is right; null takes it back. */
export function judgeFinding(conversation, finding, agree) {
  judge(conversation, (verdict) => {
    verdict.findings = verdict.findings.filter((said) => said.code !== finding.code);
    if (agree !== null) {
      const turn = finding.spans[0]?.turn ?? null;
      verdict.findings.push({ code: finding.code, turn, outcome: finding.outcome, agree });
    }
  });
}

/** Mark words that were missed. */
export function addMissed(conversation, mark) {
  judge(conversation, (verdict) => {
    if (!verdict.missed.some((said) => samePlace(said, mark))) verdict.missed.push(mark);
  });
}

/** Take a mark back. */
export function dropMissed(conversation, mark) {
  judge(conversation, (verdict) => {
    verdict.missed = verdict.missed.filter((said) => !samePlace(said, mark));
  });
}

/** Say that all was read: what isn't judged is then agreed with. */
export function judgeComplete(conversation, complete) {
  judge(conversation, (verdict) => {
    verdict.complete = complete;
    verdict.seen = complete ? conversation.cues.map((cue) => cueVerdict(conversation, cue, "agree")) : [];
  });
}

/** Everything that is kept, in the layout of the file. */
export function verdictsFile() {
  const verdicts = [];
  for (const key of Object.keys(kept.of).sort()) {
    const mine = kept.of[key];
    const positions = Object.keys(mine).map(Number).sort((a, b) => a - b);
    for (const position of positions) verdicts.push(fileEntry(key.slice(1), position, mine[position]));
  }
  return { schema: SCHEMA, run: meta.run, verdicts };
}

function fileEntry(name, position, { seen = [], ...verdict }) {
  const unjudged = seen.filter((cue) => !verdict.cues.some((said) => samePlace(said, cue)));
  const cues = [...verdict.cues, ...unjudged].sort(byPlace);
  const missed = [...verdict.missed].sort(byPlace);
  const findings = [...verdict.findings].sort((a, b) => (a.code < b.code ? -1 : 1));
  return { position, reviewer: name || UNNAMED, ...verdict, findings, cues, missed };
}

function byPlace(a, b) {
  return a.turn - b.turn || a.start - b.start || a.end - b.end || (a.cue < b.cue ? -1 : 1);
}

/** Hand the file to the browser's downloads. */
export function saveVerdicts() {
  const text = `${JSON.stringify(verdictsFile(), null, 1)}\n`;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = "verdicts.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Take over the verdicts of a file; returns how many. Throws an Error that says what is wrong with it. */
export async function importVerdicts(file) {
  if (file.size > MOST_FILE_BYTES) throw new Error("it is larger than 64 MB");
  let data;
  try {
    data = JSON.parse(await file.text());
  } catch {
    throw new Error("it isn't JSON");
  }
  if (data?.schema !== SCHEMA || !Array.isArray(data.verdicts)) throw new Error(`it isn't ${SCHEMA}`);
  if (data.run?.fingerprint?.rules !== meta.run.fingerprint.rules || data.run?.conversations !== meta.run.conversations) {
    throw new Error("it belongs to another run");
  }
  const good = data.verdicts.map(cleanEntry);
  for (const { name, position, verdict } of good) (kept.of[slot(name)] ??= {})[position] = verdict;
  if (!kept.reviewer && good.length) kept.reviewer = good[0].name;
  changed();
  return good.length;
}

/** One verdict of a file, with nothing in it but what belongs there. */
function cleanEntry(entry) {
  const { position, reviewer: name = UNNAMED } = entry ?? {};
  if (!Number.isSafeInteger(position) || position < 0) throw new Error("a verdict has no position");
  const list = (value) => (Array.isArray(value) ? value.filter((item) => item && typeof item === "object") : []);
  const place = (mark) => ({
    cue: String(mark.cue),
    turn: Math.trunc(Number(mark.turn)) || 0,
    start: Math.trunc(Number(mark.start)) || 0,
    end: Math.trunc(Number(mark.end)) || 0,
    text: String(mark.text ?? ""),
  });
  const cues = list(entry.cues).map((cue) => ({
    ...place(cue),
    status: String(cue.status ?? "plain"),
    agree: cue.agree === true,
    instead: typeof cue.instead === "string" ? cue.instead : null,
  }));
  const grades = {};
  for (const grade of GRADE_NAMES) {
    const value = entry.grades?.[grade];
    if (value === null || (typeof value === "number" && value >= 0 && value <= 4)) grades[grade] = value;
  }
  const complete = entry.complete === true;
  const verdict = {
    conversation_id: String(entry.conversation_id ?? ""),
    digest: String(entry.digest ?? ""),
    complete,
    comment: String(entry.comment ?? ""),
    findings: list(entry.findings).map((item) => ({
      code: String(item.code),
      turn: Number.isSafeInteger(item.turn) ? item.turn : null,
      outcome: typeof item.outcome === "string" ? item.outcome : null,
      agree: item.agree === true,
    })),
    cues,
    missed: list(entry.missed).map(place),
    grades,
    seen: complete ? cues.map((cue) => ({ ...cue, agree: true, instead: null })) : [],
  };
  return { name: name === UNNAMED ? "" : String(name), position, verdict };
}
