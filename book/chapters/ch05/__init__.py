"""What only chapter 05 needs: what was run, its figures, its exercises."""
