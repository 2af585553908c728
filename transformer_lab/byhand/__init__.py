"""The NumPy transformer: forward and backward side by side, same variable names, no autograd.

To be read in this order: ``parts`` (affine maps, norms, nonlinearities), ``ends`` (tokens in, loss out), ``positions``
(codes, turns, masks), ``attention``, ``block``, ``transformer``. Beside them ``one_head`` (the model of the first
chapters), ``optimizers`` and ``gradcheck`` (is this gradient right?).
"""
