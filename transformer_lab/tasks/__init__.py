"""What a model learns: one module a family, all with the same interface.

A family's configuration says which task and which data; beside it the module has

- ``needs(task)``: what the task asks of a model, as fields of a ModelConfig (``d_vocab``, ``n_ctx``, ...);
- ``sample(task, n, seed=, purpose=, step=)``: a batch of ``tokens`` and ``targets``, the same for the same step;
- ``tests(task)``: two such batches to score: what training never sees, and what it does;
- ``score(logits, targets)``: the share that is right; ``oracle(task, question)``: the right answer;
- ``ceiling(task)``, ``floor(task)``: the best that anyone can do, and what is had without learning. Of text nobody
  knows the oracle and the ceiling; its rulers are :mod:`n-grams <transformer_lab.tasks.ngrams>`.

:data:`FAMILIES` names them; the rest of the package asks it and knows no task by name.
"""

from . import digit_data, patterns, rules, text

__all__ = ["FAMILIES", "family_of"]

#: The configuration and the module of every task that a run can name.
FAMILIES = {"digits": (digit_data.Digits, digit_data), "patterns": (patterns.PatternTask, patterns),
            "rules": (rules.RuleTask, rules), "text": (text.TextTask, text)}


def family_of(task):
    """The name of a task's family, and its module.

    >>> family_of(digit_data.Digits())[0]
    'digits'
    """
    return next(((name, module) for name, (kind, module) in FAMILIES.items() if type(task) is kind), (None, None))
