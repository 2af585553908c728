"""What only chapter 02 needs: what was run, its figures, its exercises."""
