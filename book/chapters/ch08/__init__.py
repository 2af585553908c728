"""What only chapter 08 needs: what was run, its figures, its exercises."""
