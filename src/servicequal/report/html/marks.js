// A turn's words with what was found in them: marks to point at, and a panel that explains and asks for a verdict.
import { append, capital, decimal, el, ruleLine, spaced } from "./dom.js";
import { addMissed, dropMissed, judgeCue, onCue, verdictOn } from "./verdicts.js";
import { meta } from "./data.js";

const EFFECTS = { hurts: "hurts", helps: "helps", tells: "customer" };
const RANKS = ["hurts", "tells", "helps"];

/** The text's offset in UTF-16 units of a number of characters (code points), as Python counts them. */
export function unitsOf(text, characters) {
  let units = 0;
  for (let left = characters; left > 0 && units < text.length; left -= 1) {
    units += text.codePointAt(units) > 0xffff ? 2 : 1;
  }
  return units;
}

/** The number of characters in the first units of a text. */
export const charactersOf = (text, units) => Array.from(text.slice(0, units)).length;

/** The cues of a turn and the reviewer's own marks, with offsets in units. */
function marksOf(conversation, number) {
  const { text } = conversation.turns[number];
  const units = /[\ud800-\udfff]/.test(text) ? (n) => unitsOf(text, n) : (n) => n;
  const found = conversation.cues.filter((cue) => cue.turn === number);
  const own = (verdictOn(conversation.position)?.missed ?? []).filter((mark) => mark.turn === number);
  const known = new Map(meta.cues.map((cue) => [cue.cue, cue]));
  const added = own.map((mark) => ({ ...known.get(mark.cue), ...mark, status: "plain", reason: "", added: true }));
  return [...found, ...added].map((cue) => ({ ...cue, from: units(cue.start), to: units(cue.end) }));
}

/** The words of a turn in pieces, each with the marks that cover it. */
function piecesOf(text, marks) {
  const edges = new Set([0, text.length, ...marks.flatMap((mark) => [mark.from, mark.to])]);
  const cuts = [...edges].filter((at) => at >= 0 && at <= text.length).sort((a, b) => a - b);
  return cuts.slice(0, -1).map((from, i) => ({
    text: text.slice(from, cuts[i + 1]),
    marks: marks.filter((mark) => mark.from <= from && mark.to >= cuts[i + 1]),
  }));
}

/** Fill a paragraph with the words of a turn; open(mark element, marks) is called when one is chosen. */
export function fillWords(paragraph, conversation, number, open) {
  paragraph.replaceChildren();
  for (const piece of piecesOf(conversation.turns[number].text, marksOf(conversation, number))) {
    paragraph.append(piece.marks.length ? markElement(conversation, piece, open) : piece.text);
  }
}

function markElement(conversation, { text, marks }, open) {
  const first = strongest(marks);
  const disputed = marks.every((mark) => onCue(conversation.position, mark)?.agree === false);
  const classes = [first.effect, first.status, first.added && "added", disputed && "disputed"].filter(Boolean);
  const node = el(
    "mark",
    {
      class: classes.join(" "),
      tabindex: 0,
      role: "button",
      "aria-expanded": "false",
      "aria-label": `${text}: ${marks.map(inShort).join("; ")}`,
      onclick: () => open(node, marks),
      onkeydown: (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        open(node, marks);
      },
    },
    text,
  );
  node.tip = marks.map(inWords).join("\n");
  return node;
}

/** The mark that colours words where several meet: what counts before what doesn't, hurts before the rest. */
function strongest(marks) {
  const rank = (mark) => (mark.status === "excused" ? 10 : mark.status === "softened" ? 1 : 0) + RANKS.indexOf(mark.effect) * 2;
  return marks.reduce((best, mark) => (rank(mark) < rank(best) ? mark : best));
}

function inShort(mark) {
  const status = mark.added ? ", your mark" : mark.status === "plain" ? "" : `, ${mark.status}`;
  return `${spaced(mark.cue)}, ${EFFECTS[mark.effect]}${status}`;
}

function inWords(mark) {
  const reason = mark.reason ? ` (${mark.reason})` : "";
  const say = mark.say && mark.status !== "excused" ? ` Say instead: ${mark.say}` : "";
  return `${capital(inShort(mark))}${reason}. ${mark.why}${say}`;
}

/** What explains the marks on some words, with a verdict on each. */
export function markPanel(conversation, marks, close) {
  const panel = el("div", { class: "panel", role: "group", "aria-label": "What was found in these words", tabindex: -1 });
  append(panel, [closing(close), marks.map((mark) => markPart(conversation, mark))]);
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  return panel;
}

const closing = (close) => el("button", { type: "button", class: "quiet close", onclick: close }, "Close");

function markPart(conversation, mark) {
  const rules = conversation.findings.filter((finding) => finding.points !== null && finding.spans.some((span) => meets(span, mark)));
  return el(
    "div",
    { class: "part" },
    el("h3", {}, capital(spaced(mark.cue)), el("span", { class: `chip ${mark.effect}` }, EFFECTS[mark.effect])),
    !mark.added && el("p", {}, statusLine(mark)),
    mark.why && el("p", {}, mark.why),
    mark.say && mark.status !== "excused" && el("p", {}, el("span", { class: "label" }, "Say instead"), " ", mark.say),
    rules.map((finding) =>
      el("p", { class: "small" }, `${ruleLine(finding.name)} (${finding.code}): ${finding.outcome}, ${decimal(finding.points)} of ${decimal(finding.of)} points`),
    ),
    mark.added ? takeBack(conversation, mark) : cueChoices(conversation, mark),
  );
}

const meets = (span, mark) => span.turn === mark.turn && span.start < mark.end && mark.start < span.end;

function statusLine(mark) {
  const sure = mark.sure === null || mark.sure === undefined ? "" : ` The detector is about ${mark.sure} % sure.`;
  if (mark.status === "plain") return `It counts.${sure}`;
  const counts = mark.status === "softened" ? "It counts less" : "It counts for nothing";
  return `${counts}: ${mark.reason || mark.status}.${sure}`;
}

function takeBack(conversation, mark) {
  return el(
    "div",
    { class: "choices" },
    el("button", { type: "button", class: "quiet", onclick: () => dropMissed(conversation, mark) }, "Take your mark back"),
  );
}

const CUE_CHOICES = {
  plain: [["agree", "Agree"], ["none", "Disagree"]],
  softened: [["agree", "Agree"], ["none", "Isn't one"], ["plain", "Counts fully"]],
  excused: [["agree", "Agree"], ["plain", "Should count"]],
};

function cueChoices(conversation, cue) {
  const said = onCue(conversation.position, cue);
  const now = said ? (said.agree ? "agree" : said.instead) : null;
  return choices(`Your verdict on ${spaced(cue.cue)}`, CUE_CHOICES[cue.status], now, (answer) => judgeCue(conversation, cue, answer));
}

/** Buttons of which at most one is pressed; pressing it again takes the answer back. */
export function choices(label, options, now, choose) {
  const group = el("div", { class: "choices", role: "group", "aria-label": label });
  const press = (answer) => {
    for (const button of group.children) button.setAttribute("aria-pressed", String(button.dataset.answer === String(answer)));
  };
  let current = now;
  for (const [answer, text] of options) {
    const click = () => {
      current = current === answer ? null : answer;
      press(current);
      choose(current);
    };
    append(group, [el("button", { type: "button", class: "quiet choice", "data-answer": answer, "aria-pressed": "false", onclick: click }, text)]);
  }
  press(now);
  return group;
}

/** A form that marks words as a cue that was missed. Words come from a selection, or are typed. */
export function missedForm(conversation, number, selected, close) {
  const turn = conversation.turns[number];
  const input = el("input", { id: "missed-words", value: selected?.text ?? "", autocomplete: "off" });
  const select = el("select", { id: "missed-cue" }, cueOptions(turn.speaker));
  const trouble = el("p", { class: "trouble", role: "alert" });
  const form = el(
    "form",
    { class: "panel", "aria-label": "Mark what was missed" },
    el("h3", {}, "Mark what was missed"),
    el("p", { class: "small" }, "Select words in the turn, or write them as they stand there."),
    el(
      "div",
      { class: "row" },
      el("div", { class: "field" }, el("label", { for: "missed-words" }, "Words"), input),
      el("div", { class: "field" }, el("label", { for: "missed-cue" }, "What it is"), select),
      el("button", { type: "submit" }, "Mark"),
      el("button", { type: "button", class: "quiet", onclick: close }, "Cancel"),
    ),
    trouble,
  );
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const place = locate(turn.text, input.value, selected);
    if (place === null) {
      trouble.textContent = "These words are not in the turn.";
      input.focus();
      return;
    }
    const [start, end] = place.map((units) => charactersOf(turn.text, units));
    addMissed(conversation, { cue: select.value, turn: number, start, end, text: turn.text.slice(...place) });
    close();
  });
  return form;
}

/** Where the words stand in the text, in units: where they were selected, else their first place. */
function locate(text, typed, selected) {
  if (selected && selected.text === typed) return [selected.from, selected.to];
  const words = typed.trim();
  const at = words ? text.indexOf(words) : -1;
  const from = at >= 0 || !words ? at : text.toLowerCase().indexOf(words.toLowerCase());
  return from < 0 ? null : [from, from + words.length];
}

function cueOptions(speaker) {
  const mine = meta.cues.filter((cue) => cue.speaker === speaker);
  const groups = RANKS.map((effect) => [effect, (mine.length ? mine : meta.cues).filter((cue) => cue.effect === effect)]);
  return groups
    .filter(([, cues]) => cues.length)
    .map(([effect, cues]) =>
      el("optgroup", { label: capital(EFFECTS[effect]) }, cues.map((cue) => el("option", { value: cue.cue }, spaced(cue.cue)))),
    );
}
