"""The NumPy transformer: forward and backward side by side, same variable names, no autograd."""
