// The account of one conversation: each rule's points, and the sums that are the scores.
import { capital, decimal, el, ruleLine, spaced, whole } from "./dom.js";
import { SCORE_NAMES } from "./data.js";
import { conversationHash } from "./route.js";
import { judgeFinding, onFinding } from "./verdicts.js";
import { choices } from "./marks.js";

/** The five scores, with the coverage of the four. */
export function dials(conversation) {
  return el(
    "div",
    { class: "dials" },
    SCORE_NAMES.map((name, i) =>
      el(
        "div",
        { class: i ? "dial" : "dial whole" },
        el("span", { class: "name" }, capital(spaced(name))),
        el("span", { class: "big" }, whole(conversation.scores[i])),
        meter(conversation.scores[i]),
        el("span", { class: "small" }, dialNote(conversation, i)),
      ),
    ),
  );
}

function dialNote(conversation, i) {
  if (conversation.scores[i] === null) return "nothing to judge";
  return i ? `coverage ${conversation.coverage[i - 1]} %` : "of 100";
}

/** A thin bar for a score in tenths. */
export function meter(tenths) {
  const bar = el("span", { class: tenths === null ? "" : tenths >= 700 ? "high" : tenths >= 450 ? "middle" : "low" });
  bar.style.width = `${tenths === null ? 0 : tenths / 10}%`;
  return el("span", { class: "meter", "aria-hidden": "true" }, bar);
}

/** Overall first, then the dimensions, each with its lines. */
export function ledgerView(conversation) {
  return el(
    "div",
    { class: "ledger" },
    overallAccount(conversation),
    SCORE_NAMES.slice(1).map((name, i) => dimensionAccount(conversation, name, i + 1)),
    idleRules(conversation),
  );
}

function overallAccount(conversation) {
  const lines = conversation.overall.map((line) => {
    const cap = line.kind === "cap";
    const name = cap ? `Cap: ${ruleLineOf(conversation, line.item)} is critical` : capital(spaced(line.item));
    const note = cap ? "" : `${decimal(Math.round(line.credit * 1000))} with weight ${line.weight}`;
    return el(
      "div",
      { class: "line" },
      el("div", { class: "line-head" }, el("span", { class: "name" }, name), el("span", { class: "points" }, cap ? decimal(line.points) : `+${decimal(line.points)}`)),
      note && el("p", { class: "small" }, note),
    );
  });
  return account("Overall", lines, conversation.scores[0]);
}

function ruleLineOf(conversation, code) {
  const finding = conversation.findings.find((one) => one.code === code);
  return finding ? ruleLine(finding.name) : code;
}

function dimensionAccount(conversation, name, i) {
  const counted = conversation.findings.filter((finding) => finding.dimension === name && finding.points !== null);
  const byLoss = [...counted].sort((a, b) => b.of - b.points - (a.of - a.points));
  return account(capital(spaced(name)), byLoss.map((finding) => findingLine(conversation, finding)), conversation.scores[i]);
}

function account(title, lines, score) {
  return el(
    "section",
    { class: "account", "aria-label": title },
    el("h3", {}, el("span", {}, title), el("span", {}, whole(score))),
    lines.length ? lines : el("p", { class: "small" }, "No rule had an occasion."),
    lines.length > 0 && score !== null && el("div", { class: "sum" }, el("span", {}, "Sum"), el("span", {}, decimal(score))),
  );
}

function findingLine(conversation, finding) {
  const said = onFinding(conversation.position, finding.code);
  const full = finding.points >= finding.of;
  return el(
    "div",
    { class: `line ${finding.outcome}` },
    el(
      "div",
      { class: "line-head" },
      el("span", { class: "name" }, ruleLine(finding.name), " ", el("span", { class: "code" }, finding.code), finding.critical && " (critical)"),
      el("span", { class: "points" }, `${decimal(finding.points)} of ${decimal(finding.of)}`),
    ),
    el("p", {}, el("span", { class: "hidden-text" }, `${finding.outcome}: `), capital(finding.explanation), ". ", turnLinks(conversation, finding)),
    !full && el("p", { class: "small" }, finding.why),
    !full && el("p", {}, el("span", { class: "label" }, "Say instead"), " ", finding.say),
    choices(`Your verdict on ${finding.code}`, [["agree", "Agree"], ["disagree", "Disagree"]], said ? (said.agree ? "agree" : "disagree") : null, (answer) =>
      judgeFinding(conversation, finding, answer === null ? null : answer === "agree"),
    ),
  );
}

/** Links to the turns that a finding rests on, and to those that were searched. */
function turnLinks(conversation, finding) {
  const link = (turn) => [el("a", { href: conversationHash(conversation.position, turn) }, String(turn)), " "];
  const turns = [...new Set(finding.spans.map((span) => span.turn))];
  const searched = finding.searched.filter((turn) => !turns.includes(turn));
  return el(
    "span",
    { class: "small" },
    turns.length > 0 && [turns.length > 1 ? "Turns " : "Turn ", turns.slice(0, 12).map(link)],
    searched.length > 0 && [turns.length ? "searched " : "Searched turns ", searched.slice(0, 12).map(link)],
  );
}

function idleRules(conversation) {
  const idle = conversation.findings.filter((finding) => finding.points === null);
  return (
    idle.length > 0 &&
    el(
      "details",
      {},
      el("summary", {}, `${idle.length} rules without a verdict here`),
      idle.map((finding) =>
        el("div", { class: "line" }, el("div", { class: "line-head" }, el("span", { class: "name" }, ruleLine(finding.name), " ", el("span", { class: "code" }, finding.code)), el("span", { class: "small" }, spaced(finding.outcome))), el("p", { class: "small" }, capital(finding.explanation))),
      ),
    )
  );
}
