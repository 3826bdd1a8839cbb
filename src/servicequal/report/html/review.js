// The reviewer's part: grades and a comment on a conversation, and the file that takes all of it along.
import { announce, byId, capital, el, fill, spaced } from "./dom.js";
import { GRADE_NAMES, countVerdicts, importVerdicts, isStored, judge, judgeComplete, nameReviewer, onVerdicts, reviewer, saveVerdicts, verdictOn } from "./verdicts.js";

const GRADE_OPTIONS = [["", "not graded"], ["4", "4 outstanding"], ["3", "3 good"], ["2", "2 mixed"], ["1", "1 poor"], ["0", "0 harmful"], ["na", "no occasion"]];

/** The form with which a conversation is graded. */
export function gradeForm(conversation) {
  const verdict = verdictOn(conversation.position);
  const comment = el("textarea", { id: "comment", oninput: () => judge(conversation, (mine) => { mine.comment = comment.value; }) });
  comment.value = verdict?.comment ?? "";
  const complete = el("input", { type: "checkbox", id: "complete", onchange: () => judgeComplete(conversation, complete.checked) });
  complete.checked = verdict?.complete ?? false;
  return el(
    "form",
    { class: "review-box verdict-form", "aria-label": "Your verdict", onsubmit: (event) => event.preventDefault() },
    el("h2", {}, "Your verdict"),
    el("p", { class: "small" }, "Judge flagged words and rules where they stand; select words to mark what was missed."),
    el("div", { class: "grades" }, GRADE_NAMES.map((name) => gradeField(conversation, name, verdict?.grades))),
    el("label", { for: "comment" }, "Comment"),
    comment,
    el("div", { class: "check" }, complete, el("label", { for: "complete" }, "I have read all of it: what I left as it is, is right")),
    nameField("reviewer-here"),
    el("div", { class: "choices" }, saveButton()),
  );
}

function gradeField(conversation, name, grades) {
  const id = `grade-${name}`;
  const choose = () =>
    judge(conversation, (mine) => {
      delete mine.grades[name];
      if (select.value) mine.grades[name] = select.value === "na" ? null : Number(select.value);
    });
  const select = el("select", { id, onchange: choose }, GRADE_OPTIONS.map(([value, text]) => el("option", { value }, text)));
  const given = grades?.[name];
  select.value = given === undefined ? "" : given === null ? "na" : String(given);
  return el("div", { class: "field" }, el("label", { for: id }, capital(spaced(name))), select);
}

function nameField(id) {
  const input = el("input", { id, autocomplete: "name", maxlength: 100, onchange: () => nameReviewer(input.value) });
  input.value = reviewer();
  return el("div", { class: "field" }, el("label", { for: id }, "Reviewer"), input);
}

const saveButton = () => el("button", { type: "button", class: "save", onclick: saveVerdicts }, "Save verdicts as a file");

/** The part of the front page where verdicts are saved and loaded. */
export function setUpReview() {
  const panel = byId("review-panel");
  const count = el("p", {});
  const result = el("p", { class: "small", role: "status" });
  const file = el("input", { type: "file", id: "import", accept: ".json,application/json", onchange: () => load(file, result) });
  const place = el("div", { class: "row" });
  fill(panel, count, place, result);
  const name = nameField("reviewer");
  fill(place, name, el("div", { class: "field" }, el("label", { for: "import" }, "Continue with a saved file"), file), saveButton());
  const show = () => {
    const n = countVerdicts();
    count.textContent = `${n === 1 ? "1 conversation" : `${n} conversations`} with a verdict${reviewer() ? ` of ${reviewer()}` : ""}.${isStored() ? "" : " This browser doesn't keep them for this page: save the file before you leave."}`;
    for (const input of document.querySelectorAll("#reviewer, #reviewer-here")) {
      if (input !== document.activeElement) input.value = reviewer();
    }
  };
  onVerdicts(show);
  show();
}

async function load(file, result) {
  if (!file.files.length) return;
  try {
    const n = await importVerdicts(file.files[0]);
    result.textContent = `${n === 1 ? "1 verdict" : `${n} verdicts`} loaded.`;
  } catch (error) {
    result.textContent = `The file can't be used: ${error.message}.`;
  }
  announce(result.textContent);
  file.value = "";
}
