"""What only chapter 06 needs: what was run, its figures, its exercises."""
