// Predict: the reader commits to one of several answers, and only then sees which is right, and why.

import { h } from "./core/draw.js";
import { button, explorable } from "./core/ui.js";

/** After committing: what holds, and what the reader said. */
function verdict({ committed, right, chosen }, i) {
  if (!committed || (i !== right && i !== chosen)) return "";
  return [i === right ? "✓" : "✗", i === chosen ? " your answer" : ""].join("");
}

function answer(state, lab, i) {
  const chosen = i === state.chosen;
  return h("li", {}, h("label", { class: chosen ? "lab-chosen" : null },
    h("input", { type: "radio", name: `answer-${lab.id}`, checked: chosen, disabled: state.committed,
      onchange: () => lab.set({ chosen: i }) }),
    h("span", {}, state.answers[i]),
    h("strong", { class: "lab-verdict" }, verdict(state, i))));
}

export default explorable({
  title: "Predict",
  instruction: "Choose before you read on. Your answer stays in this browser.",
  defaults: { id: "choice", question: "Which one?", answers: ["This", "That"], right: 0, explanation: "" },
  own: { chosen: -1, committed: false },
  fits: ({ chosen, committed }, { answers }) => typeof committed === "boolean" && Number.isInteger(chosen)
    && chosen >= (committed ? 0 : -1) && chosen < answers.length,
  view: (state, _, lab) => [
    h("p", { class: "lab-question" }, state.question),
    h("ol", { class: "lab-answers" }, state.answers.map((_, i) => answer(state, lab, i))),
  ],
  controls: (state, _, lab) => [
    button("This is my answer", () => lab.set({ committed: true }), { disabled: state.chosen < 0 || state.committed }),
  ],
  describe(state) {
    const quoted = (i) => `“${state.answers[i].replace(/[.]$/, "")}”`;
    if (!state.committed) return state.chosen < 0 ? "You have chosen nothing yet." : `You have chosen ${quoted(state.chosen)}.`;
    const found = state.chosen === state.right ? ", and so it is." : `. What holds is ${quoted(state.right)}.`;
    return `You chose ${quoted(state.chosen)}${found} ${state.explanation}`;
  },
  loud: ({ committed }) => committed,
});
