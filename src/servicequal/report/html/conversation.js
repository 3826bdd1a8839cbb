// One conversation: its scores, its transcript with the flagged words, its ledger, and the reviewer's verdict.
import { append, announce, byId, capital, clock, el, fill } from "./dom.js";
import { loadConversation, meta } from "./data.js";
import { conversationHash } from "./route.js";
import { dials, ledgerView } from "./ledger.js";
import { fillWords, markPanel, missedForm } from "./marks.js";
import { gradeForm } from "./review.js";
import { neighbours, rowOf } from "./list.js";
import { onVerdicts } from "./verdicts.js";

const shown = { conversation: null, panel: null, marks: null };

/** Show a conversation, at a turn if one is given. */
export async function showConversation(listing, position, turn) {
  const section = byId("conversation");
  if (shown.conversation?.position !== position) {
    const row = rowOf(position);
    try {
      shown.conversation = await loadConversation(listing, row);
    } catch (error) {
      shown.conversation = null;
      fill(section, steps(row), el("h1", { id: "conversation-title", tabindex: -1 }, "This conversation can't be opened"), el("p", {}, `The browser says: ${error.message}. A current browser opens it.`));
      return;
    }
    if (shown.conversation) fill(section, conversationView(shown.conversation, row));
    else fill(section, missing(listing, row));
  }
  document.title = `${shown.conversation?.id ?? "Conversation"}, ${meta.title}`;
  goTo(turn);
}

/** Forget the conversation that is shown, so that opening it again starts afresh. */
export function leaveConversation() {
  shown.conversation = null;
  shown.panel = null;
  document.title = meta.title;
}

function goTo(turn) {
  for (const node of document.querySelectorAll(".turn.here")) node.classList.remove("here");
  const target = turn === null ? null : byId(`t${turn}`);
  target?.classList.add("here");
  const focused = target ?? byId("conversation-title");
  focused?.focus({ preventScroll: true });
  if (target) target.scrollIntoView({ block: "center" });
  else window.scrollTo(0, 0);
}

function missing(listing, row) {
  if (row < 0) return [steps(row), el("h1", { id: "conversation-title", tabindex: -1 }, "This conversation is not in the report")];
  return [
    steps(row),
    el("h1", { id: "conversation-title", tabindex: -1 }, listing.i[row]),
    el("p", { class: "notice" }, "Its transcript was left out to keep this file small. Its scores are in the list; make a report of fewer conversations to read it."),
  ];
}

function steps(row) {
  const { before, after, at, of } = row < 0 ? { before: -1, after: -1, at: -1, of: 0 } : neighbours(row);
  const step = (other, text) => other >= 0 && el("a", { href: conversationHash(positionOf(other)) }, text);
  return el(
    "nav",
    { class: "steps", "aria-label": "Conversation" },
    el("a", { class: "back", href: "#list", onclick: back }, "← All conversations"),
    step(before, "Previous"),
    at >= 0 && el("span", { class: "small" }, `${at + 1} of ${of}`),
    step(after, "Next"),
  );
}

let positionOf = () => -1;

/** Tell how a row of the list becomes a position. */
export function setUpConversation(listing) {
  positionOf = (row) => listing.p[row];
  onVerdicts(() => shown.conversation && refreshWords());
  setUpTips();
  setUpSelection();
}

/** Back in the browser's history where the list was there before, so that its filters and place return. */
function back(event) {
  if (history.state?.fromList) {
    event.preventDefault();
    history.go(-history.state.fromList);
  }
}

function conversationView(conversation, row) {
  const about = [...conversation.agents, conversation.channel && capital(conversation.channel), `${conversation.turns.length} turns`].filter(Boolean);
  return [
    steps(row),
    el("h1", { id: "conversation-title", tabindex: -1 }, conversation.id),
    el("p", { class: "kicker" }, about.join(", ")),
    conversation.notes && el("p", { class: "notice" }, capital(conversation.notes)),
    dials(conversation),
    el(
      "div",
      { class: "columns" },
      el("section", { "aria-labelledby": "transcript-title" }, el("h2", { id: "transcript-title" }, "Transcript"), key(), transcript(conversation)),
      el("section", { "aria-labelledby": "ledger-title" }, el("h2", { id: "ledger-title" }, "Ledger"), ledgerView(conversation), gradeForm(conversation)),
    ),
  ];
}

const key = () =>
  el("p", { class: "key" }, el("span", { class: "chip hurts" }, "hurts"), el("span", { class: "chip helps" }, "helps"), el("span", { class: "chip tells" }, "customer"), el("span", { class: "muted" }, "dashed: softened; dotted: doesn't count"));

function transcript(conversation) {
  if (!meta.has_turns) return el("p", {}, "The run was written without turns.");
  return el("ol", { class: "transcript" }, conversation.turns.map((turn, number) => turnElement(conversation, turn, number)));
}

function turnElement(conversation, turn, number) {
  const item = el("li", { class: `turn ${turn.speaker}${turn.kind === "message" && turn.speaker !== "bot" && turn.speaker !== "system" ? "" : " quiet"}`, id: `t${number}`, tabindex: -1 });
  const words = el("p", { class: "words", dir: "auto" });
  append(item, [
    el(
      "div",
      { class: "turn-head" },
      el("span", { class: "speaker" }, capital(turn.speaker)),
      turn.name && el("span", {}, turn.name),
      turn.kind !== "message" && el("span", {}, turn.kind),
      el("a", { href: conversationHash(conversation.position, number), "aria-label": `Link to turn ${number}` }, `turn ${number}`),
      turn.start !== null && el("span", {}, clock(turn.start)),
      (turn.speaker === "agent" || turn.speaker === "customer") && el("button", { type: "button", class: "quiet", "aria-label": `Mark what was missed in turn ${number}`, onclick: () => openForm(item, number) }, "Mark"),
    ),
    words,
  ]);
  fillWords(words, conversation, number, (mark, marks) => openPanel(item, mark, marks));
  return item;
}

function closePanel(focusOn) {
  shown.panel?.remove();
  shown.panel = null;
  for (const mark of document.querySelectorAll('mark[aria-expanded="true"]')) mark.setAttribute("aria-expanded", "false");
  focusOn?.focus?.();
}

function openPanel(item, mark, marks) {
  const open = mark.getAttribute("aria-expanded") === "true";
  closePanel();
  hideTip();
  if (open) return;
  mark.setAttribute("aria-expanded", "true");
  const place = [...item.querySelectorAll("mark")].indexOf(mark);
  shown.panel = markPanel(shown.conversation, marks, () => closePanel(item.querySelectorAll("mark")[place] ?? item));
  item.append(shown.panel);
  shown.panel.focus({ preventScroll: true });
  shown.panel.scrollIntoView({ block: "nearest" });
}

function openForm(item, number, selected = null) {
  closePanel();
  const button = item.querySelector("button");
  shown.panel = missedForm(shown.conversation, number, selected, () => closePanel(button));
  item.append(shown.panel);
  shown.panel.querySelector(selected ? "select" : "input").focus();
}

/** After a verdict: the marks again, and the panel where the mark it belongs to is gone. */
function refreshWords() {
  const { conversation } = shown;
  const active = document.activeElement;
  for (const item of document.querySelectorAll("#conversation .turn")) {
    const number = Number(item.id.slice(1));
    const expanded = [...item.querySelectorAll("mark")].findIndex((mark) => mark.getAttribute("aria-expanded") === "true");
    const before = item.querySelectorAll("mark").length;
    fillWords(item.querySelector(".words"), conversation, number, (mark, marks) => openPanel(item, mark, marks));
    const marks = item.querySelectorAll("mark");
    if (expanded >= 0 && marks.length === before) marks[expanded].setAttribute("aria-expanded", "true");
    else if (expanded >= 0) closePanel(item);
  }
  if (active?.isConnected) active.focus({ preventScroll: true });
  announce("Your verdict is kept.");
}

/** A short explanation beside marks that are pointed at or have the focus. */
function setUpTips() {
  const section = byId("conversation");
  const show = (event) => {
    const mark = event.target.closest?.("mark");
    if (mark && mark.getAttribute("aria-expanded") !== "true") showTip(mark);
  };
  section.addEventListener("pointerover", show);
  section.addEventListener("focusin", show);
  section.addEventListener("pointerout", hideTip);
  section.addEventListener("focusout", hideTip);
  window.addEventListener("scroll", hideTip, { passive: true });
  document.addEventListener("keydown", (event) => event.key === "Escape" && hideTip());
}

function showTip(mark) {
  const tip = byId("tip");
  fill(tip, mark.tip.split("\n").map((line) => el("div", {}, line)));
  tip.hidden = false;
  const box = mark.getClientRects()[0];
  const below = box.bottom + 8;
  const top = below + tip.offsetHeight > window.innerHeight ? Math.max(4, box.top - tip.offsetHeight - 8) : below;
  tip.style.top = `${top}px`;
  tip.style.left = `${Math.max(8, Math.min(box.left, window.innerWidth - tip.offsetWidth - 8))}px`;
}

function hideTip() {
  byId("tip").hidden = true;
}

/** A button beside selected words: marks them as missed. */
function setUpSelection() {
  const button = el("button", { type: "button", id: "pick", hidden: true }, "Mark these words");
  document.body.append(button);
  let picked = null;
  document.addEventListener("selectionchange", () => {
    picked = pickedWords();
    button.hidden = picked === null;
    if (picked) {
      button.style.top = `${Math.min(window.innerHeight - 48, picked.box.bottom + 6)}px`;
      button.style.left = `${Math.max(8, Math.min(picked.box.left, window.innerWidth - 170))}px`;
    }
  });
  button.addEventListener("pointerdown", (event) => event.preventDefault());
  button.addEventListener("click", () => {
    const { item, number, words } = picked;
    document.getSelection().removeAllRanges();
    button.hidden = true;
    openForm(item, number, words);
  });
}

/** The words that are selected within one turn, with their offsets in its text, or null. */
function pickedWords() {
  const selection = document.getSelection();
  if (!selection || selection.isCollapsed || !selection.rangeCount) return null;
  const range = selection.getRangeAt(0);
  const paragraph = (range.startContainer.parentElement ?? range.startContainer).closest?.("#conversation .words");
  const item = paragraph?.closest(".turn");
  if (!paragraph || !paragraph.contains(range.endContainer) || !item.querySelector(".turn-head button")) return null;
  const ahead = document.createRange();
  ahead.setStart(paragraph, 0);
  ahead.setEnd(range.startContainer, range.startOffset);
  const text = range.toString();
  const lead = text.length - text.trimStart().length;
  const from = ahead.toString().length + lead;
  const words = text.trim();
  if (!words) return null;
  return { item, number: Number(item.id.slice(1)), words: { from, to: from + words.length, text: words }, box: range.getBoundingClientRect() };
}
