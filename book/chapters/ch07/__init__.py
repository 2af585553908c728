"""What only chapter 07 needs: what was run, its figures, its exercises."""
