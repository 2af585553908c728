"""A package a chapter, with what only that chapter needs: `from chapters import ch07`, wherever a notebook runs."""
