"""What a model learns: one file a family, with generator, exact scorer, oracle, ceiling and floor."""
