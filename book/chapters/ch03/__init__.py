"""What only chapter 03 needs: what was run, its figures, its exercises."""
