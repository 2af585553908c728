// Predict: the reader commits to one of several answers, and only then sees which is right, and why.

import { h } from "./core/draw.js";
import { button, explorable } from "./core/ui.js";

const verdict = (state, i) => (!state.committed ? "" : i === state.right ? "✓" : i === state.chosen ? "✗" : "");

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
    if (!state.committed) return state.chosen < 0 ? "Nothing chosen yet." : `Chosen: ${state.answers[state.chosen]}`;
    const found = state.chosen === state.right ? "So it is." : `It is: ${state.answers[state.right]}.`;
    return `You said: ${state.answers[state.chosen]}. ${found} ${state.explanation}`;
  },
});
