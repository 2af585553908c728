"""What only chapter 04 needs: what was run, its figures, its exercises."""
