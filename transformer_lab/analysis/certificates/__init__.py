"""Proofs about the two-dimensional model: is it right on every context that there is?

To be read in this order: ``plane`` (the model as a map of the plane), ``families`` (the contexts, in boxes),
``support`` (the exact shape of what a box can reach), ``regions`` (where the right token wins), ``prove`` (branch and
bound), ``exact`` (counts and margins to the last context), ``enumerate`` (the slow way, context by context), ``record``
(a proof as a file) and ``checker``, which believes nothing of all this. ``until_proved`` trains with the proof inside.
"""
