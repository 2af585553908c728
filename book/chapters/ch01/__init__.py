"""What only chapter 01 needs: what was run, its figures, its exercises."""
