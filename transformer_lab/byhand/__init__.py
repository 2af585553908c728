"""The NumPy transformer: forward and backward side by side, same variable names, no autograd.

To be read in this order: ``parts`` (affine maps, norms) and ``activations``, ``ends`` (tokens in, loss out),
``positions`` (codes, turns, masks), ``softmax``, ``attention``, ``block``, ``packing``, ``transformer``. Beside them
``one_head`` (the model of the first chapters), ``optimizers``, ``gradcheck`` (is this gradient right?) and its
``witnesses``.
"""
